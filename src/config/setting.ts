import { z } from 'zod';
import { faultOfAllowList } from '../kernel/allow-list.ts';
import { EVERYTHING, faultsOfConsumption } from '../kernel/consumption.ts';
import { faultOfKeyList } from '../kernel/key-list.ts';
import { faultOfUrl, type SCHEMES } from './service-url.ts';

/** One setting of the environment: how its text is read, and what people are told about it. */
export interface Setting<Value = unknown> {
  /** Reads the text of the variable; undefined when it is not set. */
  readonly schema: z.ZodType<Value, string | undefined>;
  /** What the number counts; empty where it is not a number. */
  readonly unit: string;
  /** The default in words; `–` where there is none. */
  readonly default: string;
  /** What a right value is, in words that follow "expected". */
  readonly expects: string;
  readonly example: string;
  /** One sentence: what it is for. */
  readonly means: string;
  /** Never shown, and accepted from a mounted file as `<NAME>_FILE`. */
  readonly secret: boolean;
  /** Each of its issues is a sentence about a part of it, to be shown by itself. */
  readonly explains?: boolean;
  /** Another variable that is read when neither this one nor its file is set. */
  readonly fallback?: string;
}

const none = '–';
const plain = { unit: '', secret: false };

function wholeText(from: number, to: number) {
  return z
    .string()
    .regex(/^\d{1,9}$/)
    .transform(Number)
    .pipe(z.int().min(from).max(to));
}

/** A whole number within bounds. `1e3`, `0x10` and ` 5` are refused: what is meant must be what is read. */
export function whole(from: number, to: number, value: number, unit: string, means: string): Setting<number> {
  const expects = `a whole number${unit && ` of ${unit}`} from ${from} to ${to}`;
  const schema = wholeText(from, to).default(value);
  return { ...plain, schema, unit, default: String(value), expects, example: String(value), means };
}

/** A whole number within bounds whose default follows from another setting. */
export function derivedWhole(
  [from, to]: readonly [number, number],
  otherwise: { readonly default: string; readonly example: number },
  unit: string,
  means: string,
): Setting<number | undefined> {
  const expects = `a whole number of ${unit} from ${from} to ${to}`;
  const schema = wholeText(from, to).optional();
  return { ...plain, schema, unit, default: otherwise.default, expects, example: String(otherwise.example), means };
}

/** One of a few words; the first is not special. */
export function choice<const Word extends string>(words: readonly Word[], value: Word, means: string): Setting<Word> {
  const expects = `one of ${words.join(', ')}`;
  return { ...plain, schema: z.enum(words).default(value), default: value, expects, example: value, means };
}

/** One of a few words, or not set at all. */
export function optionalChoice<const Word extends string>(
  words: readonly Word[],
  example: Word,
  means: string,
): Setting<Word | undefined> {
  const expects = `one of ${words.join(', ')}`;
  return { ...plain, schema: z.enum(words).optional(), default: none, expects, example, means };
}

/** A path on this machine. */
export function path(example: string, means: string): Setting<string | undefined> {
  const schema = z
    .string()
    .refine((text) => !text.includes('\0'))
    .optional();
  return { ...plain, schema, default: none, expects: 'the path of a folder', example, means };
}

/** A word or an address of the kind that `form` describes. */
export function plainText(
  form: RegExp,
  expects: string,
  example: string,
  means: string,
  fallback?: string,
): Setting<string | undefined> {
  const schema = z.string().regex(form);
  const read = fallback === undefined ? schema.optional() : schema.default(fallback);
  return { ...plain, schema: read, default: fallback ?? none, expects, example, means };
}

/** A JSON object. What is inside is checked by whoever it is for. */
export function jsonObject(example: string, means: string): Setting<Readonly<Record<string, unknown>>> {
  const schema = z
    .string()
    .transform((text, context): unknown => {
      try {
        return JSON.parse(text);
      } catch {
        context.addIssue('is not JSON');
        return z.NEVER;
      }
    })
    .pipe(z.record(z.string(), z.unknown()))
    .default({});
  return { ...plain, schema, default: '{}', expects: 'a JSON object', example, means };
}

const URL_EXAMPLES: Readonly<Record<keyof typeof SCHEMES, string>> = {
  postgres: 'postgres://rae:…@db.internal:5432/rae',
  redis: 'redis://:…@redis.internal:6379/0',
  smtp: 'smtp://rae:…@mail.internal:587?from=rae@example.com',
  http: 'https://rae.example.com',
};

/** The address of a service with its credentials: a secret. Its issues are sentences of their own, safe to show. */
export function serviceUrl(
  kind: keyof typeof SCHEMES,
  means: string,
  options: { readonly fallback?: string; readonly default?: string } = {},
): Setting<string | undefined> {
  const example = URL_EXAMPLES[kind];
  const schema = z
    .string()
    .check((context) => {
      const message = faultOfUrl(context.value, kind);
      if (message !== undefined) context.issues.push({ code: 'custom', message, input: '' });
    })
    .optional();
  return {
    ...plain,
    schema,
    default: none,
    expects: `${kind === 'smtp' || kind === 'http' ? 'an' : 'a'} ${kind} URL`,
    example,
    means,
    secret: true,
    ...options,
  };
}

/** Secret keys with names, newest first: a secret. Its issues are sentences of their own, safe to show. */
export function keyList(otherwise: string, means: string): Setting<string | undefined> {
  const schema = z
    .string()
    .check((context) => {
      const message = faultOfKeyList(context.value);
      if (message !== undefined) context.issues.push({ code: 'custom', message, input: '' });
    })
    .optional();
  const expects = 'a list of keys id:base64, newest first';
  return { ...plain, schema, default: otherwise, expects, example: 'k2:…,k1:…', means, secret: true };
}

/** What somebody proves with who they are: a secret. */
export function credential(means: string): Setting<string | undefined> {
  const schema = z
    .string()
    .regex(/^[\x21-\x7e]{1,8192}$/)
    .optional();
  return {
    ...plain,
    schema,
    default: none,
    expects: 'a key or token without white space',
    example: 'rae_…',
    means,
    secret: true,
  };
}

/** Hosts and address ranges beyond the public internet. */
export function allowList(example: string, means: string): Setting<string | undefined> {
  const schema = z
    .string()
    .check((context) => {
      const message = faultOfAllowList(context.value);
      if (message !== undefined) context.issues.push({ code: 'custom', message, input: '' });
    })
    .optional();
  return { ...plain, schema, default: none, expects: 'a list of host names, addresses and ranges', example, means };
}

/** Which queues a process takes. Every entry that is wrong is an issue of its own. */
export function consumption(means: string): Setting<string> {
  const schema = z
    .string()
    .check((context) => {
      for (const message of faultsOfConsumption(context.value))
        context.issues.push({ code: 'custom', message, input: '' });
    })
    .default(EVERYTHING);
  const expects = 'a list of partitions, `shared`, `dedicated`, `quarantine` and tenant ids';
  return { ...plain, schema, default: EVERYTHING, expects, example: '0-3,dedicated', means, explains: true };
}
