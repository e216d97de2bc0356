/** When something is open, by the clock on the wall of a time zone. */
export interface OpeningHours {
  readonly days: (day: LocalDay) => boolean;
  /** In minutes since midnight; an end at or before the begin lies on the next day. */
  readonly from: number;
  readonly to: number;
  /** The first and the last day, where they are named; else they come again every week. */
  readonly between: readonly [first: string, last: string] | undefined;
}

interface LocalDay {
  /** Such as 2026-12-24. */
  readonly date: string;
  /** 1 = Monday, 7 = Sunday. */
  readonly weekday: number;
}

const DAYS = Object.freeze(['Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun'] as const);
const MINUTE_MS = 60_000;
const DAY_MS = 1_440 * MINUTE_MS;
/** Every week comes again within so many days. */
const HORIZON_DAYS = 8;
const EXPECTED =
  'expected days and a time, such as "daily 22:00-06:00", "Mon-Fri 08:00-18:00", "Sat,Sun 00:00-24:00" or "2026-12-24..2026-12-26 00:00-24:00"';

/** What hours are written as: `daily`, days of the week or two dates, and from when to when. */
export function parseOpeningHours(text: string): OpeningHours | { readonly fault: string } {
  const [, days = '', ...times] = /^(\S+) (\d\d):(\d\d)-(\d\d):(\d\d)$/.exec(text.trim().replace(/\s+/g, ' ')) ?? [];
  const [fromHour = 99, fromMinute = 99, toHour = 99, toMinute = 99] = times.map(Number);
  const from = 60 * fromHour + fromMinute;
  const to = 60 * toHour + toMinute;
  const fits = fromMinute < 60 && toMinute < 60 && from < 1_440 && to <= 1_440 && from !== to;
  const read = fits ? readDays(days) : undefined;
  return read === undefined ? { fault: EXPECTED } : { ...read, from, to };
}

function readDays(text: string): Pick<OpeningHours, 'days' | 'between'> | undefined {
  if (text.toLowerCase() === 'daily') return { days: () => true, between: undefined };
  const [, first = '', last = ''] = /^(\d{4}-\d\d-\d\d)(?:\.\.(\d{4}-\d\d-\d\d))?$/.exec(text) ?? [];
  if (first !== '') {
    const end = last === '' ? first : last;
    if (!isDate(first) || !isDate(end) || end < first) return undefined;
    return { days: ({ date }) => date >= first && date <= end, between: [first, end] };
  }
  const weekdays = new Set<number>();
  for (const part of text.split(',')) {
    const [begin = 0, end = begin] = part.split('-').map(weekdayOf);
    if (begin === 0 || end === 0 || part.split('-').length > 2) return undefined;
    for (let day = begin; ; day = (day % 7) + 1) {
      weekdays.add(day);
      if (day === end) break;
    }
  }
  return { days: ({ weekday }) => weekdays.has(weekday), between: undefined };
}

/** 1 to 7; 0 = it is none. */
function weekdayOf(text: string): number {
  return DAYS.findIndex((day) => day.toLowerCase() === text.toLowerCase()) + 1;
}

function isDate(text: string): boolean {
  const at = Date.parse(`${text}T00:00:00Z`);
  return !Number.isNaN(at) && new Date(at).toISOString().startsWith(text);
}

/**
 * Whether it is open at that instant, as the clock on the wall says: an hour that comes twice counts both times, and one that is
 * left out does not come.
 */
export function isOpen({ days, from, to }: OpeningHours, timeZone: string, at: Date): boolean {
  const wall = at.getTime() + offsetMs(timeZone, at);
  const minute = Math.floor((wall % DAY_MS) / MINUTE_MS);
  if (from < to) return days(dayOf(wall)) && minute >= from && minute < to;
  return (days(dayOf(wall)) && minute >= from) || (days(dayOf(wall - DAY_MS)) && minute < to);
}

/** Instants after `at` at which it may open or close, in order: in the next eight days, and about its first and last day. */
export function turningPoints({ from, to, between }: OpeningHours, timeZone: string, at: Date): readonly Date[] {
  const begins = [at.getTime(), ...(between ?? []).map((date) => Date.parse(`${date}T00:00:00Z`))];
  const found = new Set<number>();
  for (const begin of begins) {
    const first = Math.floor(begin / DAY_MS) - 2;
    const offsets = new Set<number>();
    for (let day = first; day <= first + HORIZON_DAYS + 3; day += 1) {
      const [before, after] = [day, day + 1].map((one) => offsetMs(timeZone, new Date(one * DAY_MS)));
      offsets.add(before ?? 0);
      if (before !== after) found.add(changeOf(timeZone, day * DAY_MS, (day + 1) * DAY_MS));
    }
    for (let day = first; day <= first + HORIZON_DAYS + 3; day += 1) {
      for (const minute of [from, to]) {
        for (const offset of offsets) found.add(day * DAY_MS + minute * MINUTE_MS - offset);
      }
    }
  }
  return [...found]
    .filter((ms) => ms > at.getTime())
    .sort((a, b) => a - b)
    .map((ms) => new Date(ms));
}

/** To the second between the two at which the zone's offset changes. */
function changeOf(timeZone: string, low: number, high: number): number {
  const offset = offsetMs(timeZone, new Date(low));
  while (high - low > 1_000) {
    const middle = low + 1_000 * Math.floor((high - low) / 2_000);
    if (offsetMs(timeZone, new Date(middle)) === offset) low = middle;
    else high = middle;
  }
  return high;
}

const formats = new Map<string, Intl.DateTimeFormat>();

/** How far the wall's clock is ahead of UTC. */
function offsetMs(timeZone: string, at: Date): number {
  let format = formats.get(timeZone);
  if (format === undefined) {
    const numeric = 'numeric' as const;
    const date = { year: numeric, month: numeric, day: numeric };
    const time = { hour: numeric, minute: numeric, second: numeric, hourCycle: 'h23' as const };
    format = new Intl.DateTimeFormat('en-US', { timeZone, calendar: 'gregory', ...date, ...time });
    formats.set(timeZone, format);
  }
  const parts = Object.fromEntries(format.formatToParts(at).map(({ type, value }) => [type, Number(value)]));
  const { year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0 } = parts;
  return Date.UTC(year, month - 1, day, hour, minute, second) - Math.floor(at.getTime() / 1_000) * 1_000;
}

function dayOf(wall: number): LocalDay {
  const date = new Date(wall);
  return { date: date.toISOString().slice(0, 10), weekday: ((date.getUTCDay() + 6) % 7) + 1 };
}
