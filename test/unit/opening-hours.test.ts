import { describe, expect, it } from 'vitest';
import { isOpen, parseOpeningHours, turningPoints } from '../../src/kernel/opening-hours.ts';
import { Random } from '../support/random.ts';

function hours(text: string) {
  const parsed = parseOpeningHours(text);
  if ('fault' in parsed) throw new Error(parsed.fault);
  return parsed;
}

/** When it next changes between open and closed, looked for minute by minute. */
function slowly(text: string, zone: string, at: Date): Date {
  const before = isOpen(hours(text), zone, at);
  let ms = Math.floor(at.getTime() / 60_000) * 60_000;
  do ms += 60_000;
  while (isOpen(hours(text), zone, new Date(ms)) === before);
  return new Date(ms);
}

/** The same out of the turning points. */
function next(text: string, zone: string, at: Date): Date | undefined {
  const before = isOpen(hours(text), zone, at);
  return turningPoints(hours(text), zone, at).find((point) => isOpen(hours(text), zone, point) !== before);
}

describe('opening hours', () => {
  it.each([
    ['daily 22:00-06:00', 'Europe/Berlin', '2026-07-01T20:00:00Z', true],
    ['daily 22:00-06:00', 'Europe/Berlin', '2026-07-01T19:59:59Z', false],
    ['daily 22:00-06:00', 'Europe/Berlin', '2026-01-15T20:30:00Z', false],
    ['daily 22:00-06:00', 'Europe/Berlin', '2026-01-15T04:59:00Z', true],
    ['Fri 22:00-06:00', 'America/New_York', '2026-07-04T09:59:00Z', true],
    ['Fri 22:00-06:00', 'America/New_York', '2026-07-04T10:00:00Z', false],
    ['Sat-Mon 00:00-24:00', 'Asia/Kolkata', '2026-07-03T18:30:00Z', true],
    ['Sat-Mon 00:00-24:00', 'Asia/Kolkata', '2026-07-06T18:30:00Z', false],
    ['2026-12-24..2026-12-26 12:00-24:00', 'Pacific/Auckland', '2026-12-23T23:00:00Z', true],
    ['2026-12-24..2026-12-26 12:00-24:00', 'Pacific/Auckland', '2026-12-26T11:00:00Z', false],
  ])('%s in %s at %s: %s', (text, zone, at, open) => {
    expect(isOpen(hours(text), zone, new Date(at))).toBe(open);
  });

  it.each([
    // Berlin leaves out 02:00 to 03:00 on 29 March, and has it twice on 25 October.
    ['daily 02:30-04:00', 'Europe/Berlin', '2026-03-28T23:00:00Z', '2026-03-29T01:00:00Z'],
    ['daily 01:00-02:30', 'Europe/Berlin', '2026-03-29T00:30:00Z', '2026-03-29T01:00:00Z'],
    ['daily 03:00-04:00', 'Europe/Berlin', '2026-10-24T23:00:00Z', '2026-10-25T02:00:00Z'],
    ['daily 01:00-03:00', 'Europe/Berlin', '2026-10-25T00:30:00Z', '2026-10-25T02:00:00Z'],
    // Lord Howe moves its clocks by half an hour.
    ['daily 02:15-05:00', 'Australia/Lord_Howe', '2026-10-03T12:00:00Z', '2026-10-03T15:30:00Z'],
  ])('%s in %s, asked at %s, turns at %s', (text, zone, at, turns) => {
    expect(next(text, zone, new Date(at))?.toISOString()).toBe(new Date(turns).toISOString());
  });

  it('turn just when a look at every minute says so, around changes of the clock as well', () => {
    const random = new Random(7);
    const zones = [
      'Europe/Berlin',
      'America/New_York',
      'Australia/Lord_Howe',
      'America/St_Johns',
      'Africa/Casablanca',
      'UTC',
    ];
    const days = ['daily', 'Mon-Fri', 'Sat,Sun', 'Sun-Tue,Thu'];
    const changes = ['2026-03-29', '2026-10-25', '2026-03-08', '2026-11-01', '2026-04-05', '2026-10-04'];
    const clock = (minute: number) =>
      `${String(Math.floor(minute / 60)).padStart(2, '0')}:${String(minute % 60).padStart(2, '0')}`;
    for (let nth = 0; nth < 30; nth += 1) {
      const [from, to] = [random.below(288) * 5, random.below(288) * 5];
      if (from === to) continue;
      const text = `${random.pick(days)} ${clock(from)}-${clock(to)}`;
      const zone = random.pick(zones);
      const at = new Date(Date.parse(`${random.pick(changes)}T00:00:00Z`) + random.below(2_880) * 60_000 - 86_400_000);
      expect(`${text} ${zone} ${at.toISOString()}: ${next(text, zone, at)?.toISOString()}`).toBe(
        `${text} ${zone} ${at.toISOString()}: ${slowly(text, zone, at).toISOString()}`,
      );
    }
  });

  it.each([
    '',
    'always',
    'daily',
    '22:00-06:00',
    'daily 24:00-06:00',
    'daily 08:60-09:00',
    'daily 08:00-08:00',
    'Mo 08:00-09:00',
    'Mon- 08:00-09:00',
    '2026-02-30 08:00-09:00',
    '2026-12-26..2026-12-24 08:00-09:00',
  ])('written as %j are refused with what was expected', (text) => {
    expect(parseOpeningHours(text)).toEqual({ fault: expect.stringContaining('expected days and a time') });
  });
});
