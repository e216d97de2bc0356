import { describe, expect, it } from 'vitest';
import { Controls } from '../../src/dispatch/controls.ts';
import type { TimeWindow } from '../../src/ledger/time-window.ts';

const T = 'a1b2c3d4-0000-4000-8000-000000000001';
let made = 0;

function window(kind: TimeWindow['kind'], hours: string, more: Partial<TimeWindow> = {}): TimeWindow {
  made += 1;
  const of = {
    tenant_id: T,
    window_id: `w${made}`,
    worker: '*',
    time_zone: 'Europe/Berlin',
    reason: null,
    owner: 'ops',
  };
  return { ...of, kind, hours, created_at: new Date(0), ...more };
}

/** What holds the tenant's runs of a worker at an instant, as `reason until when`. */
function heldAt(windows: readonly TimeWindow[], at: string, worker = 'decay'): string {
  const { hours, ...controls } = { hours: new Controls().hours, version: 0 };
  hours.set(windows, new Date(at));
  const hold = hours.of(T, worker);
  return hold === undefined ? 'free' : `${hold.reason} until ${hold.clearsAt?.toISOString() ?? controls.version}`;
}

describe('windows of a tenant', () => {
  it.each([
    ['2026-07-01T12:00:00Z', 'maintenance_window until 2026-07-01T20:00:00.000Z'],
    ['2026-07-01T20:00:00Z', 'free'],
    ['2026-07-02T03:59:59Z', 'free'],
    ['2026-07-02T04:00:00Z', 'maintenance_window until 2026-07-02T20:00:00.000Z'],
    // The night of the change to winter time has an hour more.
    ['2026-10-24T12:00:00Z', 'maintenance_window until 2026-10-24T20:00:00.000Z'],
    ['2026-10-25T04:59:00Z', 'free'],
    ['2026-10-25T05:00:00Z', 'maintenance_window until 2026-10-25T21:00:00.000Z'],
  ])('open daily from 22:00 to 06:00 hold at %s: %s', (at, held) => {
    expect(heldAt([window('maintenance', 'daily 22:00-06:00')], at)).toBe(held);
  });

  it('that begin in an hour which is left out begin when that is over', () => {
    const windows = [window('maintenance', 'Sun 02:30-04:00')];
    expect(heldAt(windows, '2026-03-28T12:00:00Z')).toBe('maintenance_window until 2026-03-29T01:00:00.000Z');
  });

  it('are any of several, those of the worker beside those of the tenant; a blackout goes before', () => {
    const windows = [
      window('maintenance', 'daily 22:00-06:00'),
      window('maintenance', 'Sat,Sun 00:00-24:00', { worker: 'delivery' }),
      window('blackout', '2026-07-04 20:00-23:00'),
    ];
    const saturday = '2026-07-04T12:00:00Z';
    expect(heldAt(windows, saturday, 'delivery')).toBe('free');
    expect(heldAt(windows, saturday)).toBe('maintenance_window until 2026-07-04T21:00:00.000Z');
    expect(heldAt(windows, '2026-07-04T18:30:00Z', 'delivery')).toBe('blackout until 2026-07-04T21:00:00.000Z');
  });

  it('far away are known, and a blackout without an end has none', () => {
    const far = [window('maintenance', '2027-01-01..2027-01-02 08:00-09:00')];
    expect(heldAt(far, '2026-07-01T12:00:00Z')).toBe('maintenance_window until 2027-01-01T07:00:00.000Z');
    expect(heldAt([window('blackout', 'daily 00:00-24:00')], '2026-07-01T12:00:00Z')).toBe('blackout until 0');
    expect(heldAt([window('blackout', '2026-06-01..2099-12-31 00:00-24:00')], '2026-07-01T12:00:00Z')).toBe(
      'blackout until 2099-12-31T23:00:00.000Z',
    );
  });

  it('turn by the clock, and hold nobody else', () => {
    const controls = new Controls();
    expect(controls.hours.areSet).toBe(false);
    controls.hours.set(
      [window('blackout', 'daily 12:00-13:00', { time_zone: 'UTC' })],
      new Date('2026-07-01T11:59:00Z'),
    );
    expect(controls.ofTenant(T, 'decay')).toBeUndefined();
    expect(controls.hours.follow(new Date('2026-07-01T11:59:59.999Z'))).toBe(false);
    expect(controls.hours.follow(new Date('2026-07-01T12:00:00Z'))).toBe(true);
    expect(controls.ofTenant(T, 'decay')).toMatchObject({ reason: 'blackout', owner: 'ops' });
    expect([...controls.heldTenants]).toEqual([T]);
    expect(controls.ofTenant('another', 'decay')).toBeUndefined();
    expect(controls.hours.follow(new Date('2026-07-01T13:00:00Z'))).toBe(true);
    expect(controls.ofTenant(T, 'decay')).toBeUndefined();
  });
});
