import { Cron } from 'croner';
import { DAY, HOUR } from './duration.ts';
import { messageOf, RaeError } from './errors.ts';

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

function parsed({ cron, timeZone }: CronSchedule): Cron {
  const fields = cron.trim().split(/\s+/);
  if (fields.length !== 5) {
    throw new RaeError(
      'RAE_CRON_INVALID',
      `"${cron}" has ${fields.length} fields; a cron has five: minute hour day month weekday`,
      {
        hint: 'for example "0 2 * * *" for 02:00 every day',
      },
    );
  }
  try {
    // Node takes an offset such as "+02:00" for a zone, but an offset knows no summer time.
    if (!/^[A-Za-z]/.test(timeZone)) throw new RangeError('an offset is not a zone');
    new Intl.DateTimeFormat('en', { timeZone });
  } catch (error) {
    throw new RaeError('RAE_CRON_INVALID', `"${timeZone}" is not an IANA time zone`, {
      hint: 'for example UTC, Europe/Berlin or America/New_York',
      cause: error,
    });
  }
  try {
    return new Cron(fields.join(' '), { timezone: timeZone, paused: true });
  } catch (error) {
    throw new RaeError('RAE_CRON_INVALID', `"${cron}" is not a cron expression: ${messageOf(error)}`, {
      hint: 'for example "0 2 * * *" for 02:00 every day',
      cause: error,
    });
  }
}
