import type { Pattern } from './pattern.ts';
import { MOST_TEXT } from './pattern.ts';

/** What a condition may ask. */
export const OPERATORS = [
  'equals',
  'not_equals',
  'greater_than',
  'less_than',
  'greater_equal',
  'less_equal',
  'contains',
  'not_contains',
  'in',
  'not_in',
  'matches_regex',
  'is_null',
  'is_not_null',
] as const;

export type Operator = (typeof OPERATORS)[number];

/** What comparing found, before `negate`. `because` tells of a comparison that could not be made and is therefore false. */
export interface Verdict {
  readonly holds: boolean;
  readonly because?: string;
}

/** What a value is compared with. */
export interface Comparison {
  readonly operator: Operator;
  readonly value: unknown;
  readonly caseSensitive: boolean;
  /** There for `matches_regex` alone. */
  readonly pattern?: Pattern;
}

const YES: Verdict = Object.freeze({ holds: true });
const NO: Verdict = Object.freeze({ holds: false });
const TOO_LONG: Verdict = Object.freeze({
  holds: false,
  because: `the text has more than ${MOST_TEXT} characters, so that no pattern is tried on it`,
});

/** Compares `found`, a value of an event, as `by` says. Never throws, whatever types meet. */
export function compare(found: unknown, by: Comparison): Verdict {
  switch (by.operator) {
    case 'equals':
      return said(same(found, by.value, by.caseSensitive));
    case 'not_equals':
      return said(!same(found, by.value, by.caseSensitive));
    case 'greater_than':
    case 'less_than':
    case 'greater_equal':
    case 'less_equal':
      return ordered(found, by);
    case 'contains':
      return said(contains(found, by.value, by.caseSensitive));
    case 'not_contains':
      return said(!contains(found, by.value, by.caseSensitive));
    case 'in':
      return said(isIn(found, by));
    case 'not_in':
      return said(!isIn(found, by));
    case 'matches_regex':
      return matched(found, by.pattern);
    case 'is_null':
      return said(found === null);
    case 'is_not_null':
      return said(found !== null);
  }
}

/** What a JSON value is, for people. */
export function kindOf(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'a list';
  switch (typeof value) {
    case 'number':
      return 'a number';
    case 'string':
      return 'text';
    case 'boolean':
      return 'true or false';
    default:
      return 'an object';
  }
}

function said(holds: boolean): Verdict {
  return holds ? YES : NO;
}

/** Numbers with numbers and text with text; everything else cannot be put in an order. */
function ordered(found: unknown, by: Comparison): Verdict {
  if (typeof found === 'number' && typeof by.value === 'number') return said(inOrder(found, by.value, by.operator));
  if (typeof found === 'string' && typeof by.value === 'string') {
    return said(inOrder(folded(found, by.caseSensitive), folded(by.value, by.caseSensitive), by.operator));
  }
  return { holds: false, because: `${kindOf(found)} and ${kindOf(by.value)} have no order` };
}

function inOrder<T extends number | string>(a: T, b: T, operator: Operator): boolean {
  switch (operator) {
    case 'greater_than':
      return a > b;
    case 'less_than':
      return a < b;
    case 'greater_equal':
      return a >= b;
    default:
      return a <= b;
  }
}

function contains(found: unknown, wanted: unknown, caseSensitive: boolean): boolean {
  if (Array.isArray(found)) return found.some((item) => same(item, wanted, caseSensitive));
  if (typeof found !== 'string' || typeof wanted !== 'string') return false;
  return folded(found, caseSensitive).includes(folded(wanted, caseSensitive));
}

function isIn(found: unknown, by: Comparison): boolean {
  return Array.isArray(by.value) && by.value.some((item) => same(found, item, by.caseSensitive));
}

function matched(found: unknown, pattern: Pattern | undefined): Verdict {
  if (typeof found !== 'string') return { holds: false, because: `${kindOf(found)} is no text to match` };
  if (found.length > MOST_TEXT) return TOO_LONG;
  return said(pattern?.matches(found) === true);
}

/** Equal as JSON values: 1 is not "1" and not true, and the order of an object's fields does not count. */
function same(a: unknown, b: unknown, caseSensitive: boolean): boolean {
  if (typeof a === 'string' && typeof b === 'string') return folded(a, caseSensitive) === folded(b, caseSensitive);
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return a === b;
  if (Array.isArray(a) || Array.isArray(b)) {
    if (!Array.isArray(a) || !Array.isArray(b) || a.length !== b.length) return false;
    return a.every((item, at) => same(item, b[at], caseSensitive));
  }
  const keys = Object.keys(a);
  if (keys.length !== Object.keys(b).length) return false;
  const [left, right] = [a as Record<string, unknown>, b as Record<string, unknown>];
  return keys.every((key) => Object.hasOwn(right, key) && same(left[key], right[key], caseSensitive));
}

function folded(text: string, caseSensitive: boolean): string {
  return caseSensitive ? text : text.toLowerCase();
}
