/** Text that formats and databases get wrong. */
export const NASTY_TEXTS: readonly string[] = [
  '',
  ' ',
  'plain',
  'two\nlines',
  'windows\r\nlines',
  'carriage\rreturn',
  'tab\there',
  '"quoted"',
  '""',
  "it's",
  'back\\slash',
  '\\N',
  '\\.',
  'null',
  'NULL',
  '{a,b}',
  '[1]',
  ',;|',
  'é ü ß',
  '日本語',
  '👩‍👩‍👧 emoji',
  '\u202eright to left',
  '\u0001\u0002\u0007\u007f\u0085\u2028',
  '\ufeffmark',
  'e\u0301',
  ' leading and trailing ',
  'x'.repeat(20_000),
];

/** Nested objects and arrays. */
export function deep(levels: number): string {
  return `${'{"a":['.repeat(levels)}1${']}'.repeat(levels)}`;
}
