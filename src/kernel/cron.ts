import { Cron } from 'croner';
import { DAY, HOUR } from './duration.ts';
import { messageOf, RaeError } from './errors.ts';
import { nearest } from './nearest.ts';

/** Most slots that one look back gives. */
const MOST_SLOTS = 1_000;

/** How far to look back for the last slot: a dense schedule is answered by the first step, a yearly one by the last. */
const LOOK_BACK = [HOUR, DAY, 8 * DAY, 32 * DAY, 366 * DAY, 5 * 366 * DAY];

/** A schedule: five cron fields read in an IANA time zone. */
export interface CronSchedule {
  readonly cron: string;
  readonly timeZone: string;
}

/**
 * Checks a schedule and gives it back.
 * @throws RaeError `RAE_CRON_INVALID`: not five fields, a field out of range, a date that never comes, an unknown zone.
 */
export function checkedSchedule(schedule: CronSchedule): CronSchedule {
  nextSlot(schedule, new Date(0));
  return schedule;
}

/**
 * The first slot after `after`. Where clocks go forward over the slot's time of day, the slot is at the first instant
 * after the gap; where they go back, only the first of the two passes counts: a daily slot comes once a day.
 */
export function nextSlot(schedule: CronSchedule, after: Date): Date {
  return following(parsed(schedule), schedule, after);
}

/** The last slot at or before `at`; undefined where there was none in five years. */
export function latestSlot(schedule: CronSchedule, at: Date): Date | undefined {
  const [slot] = slotsBetween(schedule, new Date(at.getTime() - (LOOK_BACK.at(-1) ?? 0)), at, 1);
  return slot;
}

/** Slots from `from` to `to`, both included, oldest first; only the newest `most` where there are more. */
export function slotsBetween(schedule: CronSchedule, from: Date, to: Date, most = MOST_SLOTS): readonly Date[] {
  const cron = parsed(schedule);
  // Forward only: stepping back over a change of clocks gave the later of two passes, or skipped the date.
  let slots: Date[] = [];
  let reach = to.getTime();
  for (const step of LOOK_BACK) {
    const start = Math.max(from.getTime(), to.getTime() - step);
    const older: Date[] = [];
    for (let slot = cron.nextRun(new Date(start - 1)); slot !== null && slot.getTime() <= reach; ) {
      older.push(slot);
      slot = cron.nextRun(slot);
    }
    slots = [...older, ...slots];
    reach = start - 1;
    if (slots.length >= most || start <= from.getTime()) break;
  }
  return slots.slice(-most);
}

function following(cron: Cron, schedule: CronSchedule, after: Date): Date {
  const slot = cron.nextRun(after);
  if (slot === null) throw new RaeError('RAE_CRON_INVALID', `"${schedule.cron}" names a date that never comes`);
  return slot;
}

const EXAMPLE = 'for example "0 2 * * *" for 02:00 every day';
const RANGES = 'minute 0-59, hour 0-23, day 1-31, month 1-12, weekday 0-7';

/** What other crons call these schedules. */
const NICKNAMES: Readonly<Record<string, string>> = {
  '@hourly': '0 * * * *',
  '@daily': '0 0 * * *',
  '@midnight': '0 0 * * *',
  '@weekly': '0 0 * * 0',
  '@monthly': '0 0 1 * *',
  '@yearly': '0 0 1 1 *',
  '@annually': '0 0 1 1 *',
};

/**
 * What is wrong with a schedule, as the rest of a sentence that begins with its cron or its zone; undefined when it
 * is right.
 */
export function faultOfSchedule(schedule: CronSchedule): string | undefined {
  const cron = read(schedule);
  if ('fault' in cron) return cron.fault;
  return cron.nextRun(new Date(0)) === null ? 'names a date that never comes' : undefined;
}

function parsed(schedule: CronSchedule): Cron {
  const cron = read(schedule);
  if (!('fault' in cron)) return cron;
  throw new RaeError('RAE_CRON_INVALID', `${JSON.stringify(cron.of)} ${cron.fault}`, { cause: cron.cause });
}

/** What is wrong, and whether with the cron or with the zone. */
interface Fault {
  readonly of: string;
  readonly fault: string;
  readonly cause?: unknown;
}

function read({ cron, timeZone }: CronSchedule): Cron | Fault {
  const fields = cron.split(/\s+/).filter((field) => field !== '');
  if (fields.length !== 5) {
    const meant = NICKNAMES[cron.trim().toLowerCase()];
    const found = meant === undefined ? `, not ${fields.length}; ${EXAMPLE}` : `; did you mean "${meant}"?`;
    return { of: cron, fault: `must be five fields (minute hour day month weekday)${found}` };
  }
  try {
    // Node takes an offset such as "+02:00" for a zone, but an offset knows no summer time.
    if (!/^[A-Za-z]/.test(timeZone)) throw new RangeError('an offset is not a zone');
    new Intl.DateTimeFormat('en', { timeZone });
  } catch (cause) {
    const near = nearest(timeZone, Intl.supportedValuesOf('timeZone'));
    const instead = near === undefined ? ' such as Europe/Berlin' : `; did you mean ${near}?`;
    return { of: timeZone, fault: `must be an IANA time zone${instead}`, cause };
  }
  try {
    return new Cron(fields.join(' '), { timezone: timeZone, paused: true });
  } catch (cause) {
    const because = messageOf(cause).replace(/^CronPattern: |\.$/g, '');
    return { of: cron, fault: `must be a cron (${RANGES}): ${because}`, cause };
  }
}
