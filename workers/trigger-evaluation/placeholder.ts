import { eventFields, fieldPath, valueAt } from './field-path.ts';
import type { RuleEvent } from './rule-event.ts';

/** What placeholders may name besides the payload. */
export interface Naming {
  readonly event: RuleEvent;
  /** `{{rule.…}}` */
  readonly rule: Readonly<Record<string, unknown>>;
}

const PLACEHOLDER = /\{\{\s*([^{}\s]{1,200})\s*\}\}/g;
const ALONE = /^\{\{\s*([^{}\s]{1,200})\s*\}\}$/;

/**
 * Fills placeholders in at every depth of `value`. A text that is one placeholder becomes the value itself, of whatever
 * type; inside a longer text it is written out. What is not there is null, and nothing inside a text. What was filled in is
 * not looked through again.
 */
export function filled(value: unknown, naming: Naming): unknown {
  if (typeof value === 'string') return filledText(value, naming);
  if (Array.isArray(value)) return value.map((item) => filled(item, naming));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, filled(inner, naming)]));
}

/** `template` with its placeholders written out as text. */
export function written(template: string, naming: Naming): string {
  return template.replace(PLACEHOLDER, (_all, name: string) => asText(named(name, naming)));
}

function filledText(text: string, naming: Naming): unknown {
  if (!text.includes('{{')) return text;
  const alone = ALONE.exec(text)?.[1];
  return alone === undefined ? written(text, naming) : named(alone, naming);
}

function named(name: string, { event, rule }: Naming): unknown {
  const [root, ...rest] = name.split('.');
  if (root === 'rule' && rest.length === 1) return rule[rest[0] ?? ''] ?? null;
  if (name === 'event') return eventFields(event);
  return valueAt(event, fieldPath(name));
}

function asText(value: unknown): string {
  if (value === null || value === undefined) return '';
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}
