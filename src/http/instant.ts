import { z } from 'zod';

const FIRST = Date.UTC(1970, 0, 1);
const BEYOND = Date.UTC(10_000, 0, 1);
/** Postgres takes offsets of less than 16 hours. */
const OFFSET_TOO_LARGE = /[+-](1[6-9]|2\d):\d\d$/;

/** A time as requests give it: none that Postgres would not take. */
export const GIVEN_INSTANT = z.iso.datetime({ offset: true }).refine((text) => isTaken(text), {
  message: 'expected a time of the years 1970 to 9999, with an offset from UTC of less than 16 hours',
});

/** A day as requests give it. */
export const GIVEN_DAY = z.iso
  .date()
  .refine((text) => isWithin(Date.parse(text)), { message: 'expected a day of the years 1970 to 9999' });

function isTaken(text: string): boolean {
  return isWithin(Date.parse(text)) && !OFFSET_TOO_LARGE.test(text);
}

function isWithin(at: number): boolean {
  return at >= FIRST && at < BEYOND;
}
