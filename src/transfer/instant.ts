import { RowFault } from './row-fault.ts';

const SHAPE =
  /^(\d{4,6})-(\d\d)-(\d\d)(?:[T ](\d\d):(\d\d)(?::(\d\d)(\.\d{1,9})?)?)? ?(Z|[+-]\d\d(?::?\d\d(?::\d\d)?)?)?( BC)?$/;
const LAST_YEAR = 294_276;
const FIRST_YEAR_BC = 4_713;
const DAYS = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31] as const;

/**
 * An instant as Postgres reads it whatever its session's settings are: with its zone, UTC where none is given.
 * Microseconds stay; `infinity` and `-infinity` are instants too.
 * @throws RowFault for what is no date and time.
 */
export function instantText(text: string): string {
  const found = SHAPE.exec(text);
  if (found === null) {
    if (/^[+-]?infinity$/i.test(text)) return text.startsWith('-') ? '-infinity' : 'infinity';
    throw wrong();
  }
  const [, year = '', month = '', day = '', hour = '00', minute = '00', second = '00', fraction = ''] = found;
  const zone = found[8] ?? '+00';
  const before = found[9] ?? '';
  if (Number(hour) > 23 || Number(minute) > 59 || Number(second) > 59) throw wrong();
  if (!isDay(Number(year), Number(month), Number(day), before !== '')) throw wrong();
  if (zone !== 'Z' && (Number(zone.slice(1, 3)) > 15 || Number(zone.slice(-2)) > 59)) throw wrong();
  return `${year}-${month}-${day} ${hour}:${minute}:${second}${fraction}${zone}${before}`;
}

function isDay(year: number, month: number, day: number, beforeChrist: boolean): boolean {
  if (year < 1 || year > (beforeChrist ? FIRST_YEAR_BC : LAST_YEAR)) return false;
  // 1 BC is the year 0 of the calendar, a leap year.
  const counted = beforeChrist ? year - 1 : year;
  const leap = counted % 4 === 0 && (counted % 100 !== 0 || counted % 400 === 0);
  return day >= 1 && day <= (month === 2 && leap ? 29 : (DAYS[month - 1] ?? 0));
}

function wrong(): RowFault {
  return new RowFault(null, 'is not a date and time such as 2026-11-23T02:00:00.123456Z, or infinity');
}
