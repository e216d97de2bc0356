import { RE2JS } from 're2js';
import { messageOf } from '../../src/kernel/errors.ts';

/** Texts longer than this match no pattern: the time of a match grows with the text times the pattern. */
export const MOST_TEXT = 4_000;
const MOST_PATTERN = 1_000;
const MOST_PROGRAM = 300;

/** A regular expression that takes linear time, whatever the tenant wrote. */
export interface Pattern {
  /** Whether a match begins where `text` begins; it may end anywhere. */
  matches(text: string): boolean;
  /** How large it is with its repetitions written out. */
  readonly size: number;
}

/** The pattern that `source` writes in RE2's syntax, or why there is none. */
export function patternOf(source: string, caseSensitive: boolean): Pattern | { readonly fault: string } {
  if (source.length > MOST_PATTERN) {
    return { fault: `has ${source.length} characters; expected at most ${MOST_PATTERN}` };
  }
  try {
    const compiled = RE2JS.compile(source, caseSensitive ? 0 : RE2JS.CASE_INSENSITIVE);
    const size = compiled.programSize();
    if (size > MOST_PROGRAM) {
      return { fault: `is too large when its repetitions are written out (${size}; expected at most ${MOST_PROGRAM})` };
    }
    return { size, matches: (text) => compiled.matcher(text).lookingAt() };
  } catch (error) {
    return { fault: `cannot be read: ${messageOf(error)}` };
  }
}
