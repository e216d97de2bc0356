import type { z } from 'zod';
import { quote } from '../config/mistake.ts';
import { nearest } from '../kernel/nearest.ts';
import { isSecretName } from '../kernel/redact.ts';
import { PolicyShape } from './policy-shape.ts';

/** Every mistake of a document that does not fit its schema, a sentence each; empty when it fits. */
export function policyMistakes(schema: z.ZodType, document: unknown): readonly string[] {
  const first = schema.safeParse(document);
  if (first.success) return [];
  const shape = new PolicyShape(schema);
  const issues = first.error.issues.filter((issue, _, all) => !isRepeated(issue, all));
  return [...issues, ...furtherIssues(schema, document, issues)].flatMap((issue) => sentences(shape, document, issue));
}

/** The keys of `document` that the schema does not have, a sentence each; nothing about its values. */
export function unknownKeys(schema: z.ZodType, document: unknown): readonly string[] {
  const issues = schema.safeParse(document).error?.issues ?? [];
  const shape = new PolicyShape(schema);
  return issues
    .filter(({ code }) => code === 'unrecognized_keys')
    .flatMap((issue) => sentences(shape, document, issue));
}

/** Rules between fields are not looked at while a field is wrong by itself: so once more without those that are. */
function furtherIssues(schema: z.ZodType, document: unknown, issues: readonly z.core.$ZodIssue[]): z.core.$ZodIssue[] {
  const wrong = new Set(issues.flatMap(({ path }) => (path.length > 0 ? [String(path[0])] : [])));
  if (wrong.size === 0 || typeof document !== 'object' || document === null) return [];
  const rest = Object.fromEntries(Object.entries(document).filter(([key]) => !wrong.has(key)));
  const known = new Set(issues.map(({ path, message }) => `${path.join('.')}: ${message}`));
  return (schema.safeParse(rest).error?.issues ?? []).filter(
    ({ code, path, message }) =>
      code === 'custom' &&
      !known.has(`${path.join('.')}: ${message}`) &&
      // A rule that speaks of a wrong field would here be held against that field's default.
      ![...wrong].some((key) => message.split(/[^\w]+/).includes(key) || path[0] === key),
  );
}

/** A rule of its own about a value that is of the wrong kind or out of range anyway. */
function isRepeated({ code, path }: z.core.$ZodIssue, all: readonly z.core.$ZodIssue[]): boolean {
  const where = path.join('.');
  return code === 'custom' && all.some((other) => other.code !== 'custom' && other.path.join('.') === where);
}

function sentences(shape: PolicyShape, document: unknown, issue: z.core.$ZodIssue): readonly string[] {
  if (issue.code === 'unrecognized_keys') {
    const keys = shape.keysAt(issue.path);
    return issue.keys.map((key) => {
      const near = nearest(key, keys);
      const instead = near === undefined ? `there are ${keys.join(', ')}` : `did you mean ${near}?`;
      return `${spelled([...issue.path, key])} is not one of the fields; ${instead}`;
    });
  }
  const given = valueAt(document, issue.path);
  // A pattern says by itself what it takes: of its field it is only known that it is a text.
  const saysItself = issue.code === 'custom' || issue.message.startsWith('expected ');
  const expected = saysItself ? undefined : shape.expectedAt(issue.path);
  const rule = expected === undefined ? issue.message : `expected ${expected}`;
  const what = issue.path.some((key) => isSecretName(String(key)))
    ? 'is wrong (value not shown)'
    : `is ${shown(given)}`;
  return [`${issue.path.length === 0 ? 'the whole' : spelled(issue.path)} ${what}; ${rule}`];
}

function spelled(path: readonly PropertyKey[]): string {
  return path.map((key) => (/^[\w-]{1,60}$/.test(String(key)) ? String(key) : quote(String(key)))).join('.');
}

function valueAt(document: unknown, path: readonly PropertyKey[]): unknown {
  let value = document;
  for (const key of path) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) return undefined;
    value = (value as Record<PropertyKey, unknown>)[key];
  }
  return value;
}

function shown(value: unknown): string {
  if (value === undefined) return 'not there';
  if (typeof value === 'string') return quote(value);
  if (Array.isArray(value)) return 'a list';
  return typeof value === 'object' && value !== null ? 'an object' : String(value);
}
