import { type Belongings, sampleOf } from './api-samples.ts';
import { deep, NASTY_TEXTS } from './nasty.ts';
import type { Random } from './random.ts';

/** What the description of the API says of one way to call it. */
export interface Operation {
  /** Such as `GET /v1/runs/{run_id}`. */
  readonly endpoint: string;
  readonly query: Readonly<Record<string, Schema>>;
  readonly body: Schema | undefined;
}

/** Who asks: what they own, what they know of others, and how their own texts are marked. */
export interface Asker {
  readonly mark: string;
  readonly own: Belongings;
  readonly others: Belongings;
  readonly cursors: readonly string[];
}

/** A request that may be right, wrong or absurd. */
export interface OddRequest {
  readonly what: string;
  readonly body: string | Buffer | undefined;
  readonly headers: Readonly<Record<string, string>>;
}

// biome-ignore lint/suspicious/noExplicitAny: JSON Schema has many shapes
export type Schema = any;

export const NOBODYS = '7d1f0c52-88c1-4a55-9a0e-6f6b1d1a2c3e';
const DATES = ['2026-06-01', '0000-01-01', '0001-01-01', '9999-12-31', '2026-02-30', '-000001-01-01'];
const TIMES = DATES.flatMap((date) => [`${date}T00:00:00Z`, `${date}T23:59:59.999999999-23:59`]);
const NUMBERS = [0, 1, -1, 0.5, 3, 32_768, 2_147_483_647, 2_147_483_648, 2 ** 53 - 1, 1e21, 1e308, 1e-300, -0];
const AMOUNTS = ['0', '0.05', '500', '999999999999.999999999999', '-1', '1e5', 'NaN', 'Infinity', '10abc', '٣'];
const NAMES = ['__proto__', 'constructor', 'prototype', 'tenant_id', 'is_admin', 'role', 'toString', 'hasOwnProperty'];
const ZONES = ['Europe/Berlin', '../etc', 'UTC', '+25:00', "'; drop table x; --"];
const ODD_PARAMS = ['', '%00', '%', '%ff', '..', '%2e%2e', '%2F', "'%20or%201=1--", 'x'.repeat(3_000), '%F0%9F%98%80'];
const MEDIA = ['text/plain', 'application/xml', 'application/json; charset=utf-16', 'APPLICATION/JSON', 'json', ''];
const ODD_HEADERS: Readonly<Record<string, readonly string[]>> = {
  'idempotency-key': ['k1', 'k2', 'k3', '', 'x'.repeat(300), 'ümlaut', '__proto__'],
  'if-match': ['*', '"0"', '"1"', '0', 'W/"1"', '"99999999999"', ''],
  'x-tenant-id': ['', 'null', NOBODYS, '{}', '00000000-0000-0000-0000-000000000000', `${NOBODYS}\u0000`],
  'x-request-id': ['a', '', '../x', 'x'.repeat(500)],
  'content-encoding': ['gzip', 'br'],
};

/** The operations of an OpenAPI document. */
export function operationsOf(document: Schema): readonly Operation[] {
  return Object.entries<Schema>(document.paths).flatMap(([path, methods]) =>
    Object.entries<Schema>(methods).map(([method, { parameters, requestBody }]) => ({
      endpoint: `${method.toUpperCase()} ${path}`,
      query: Object.fromEntries(
        parameters
          .filter((one: Schema) => one.in === 'query')
          .map(({ name, schema }: Schema) => [name, schema] as const),
      ),
      body: requestBody?.content['application/json'].schema,
    })),
  );
}

/** Requests that come again with the same numbers: right ones, and what is made of them by mistake or malice. */
export class OddRequests {
  readonly #random: Random;

  constructor(random: Random) {
    this.#random = random;
  }

  of(operation: Operation, asker: Asker): OddRequest {
    const { what, request } = sampleOf(operation.endpoint, this.#about(asker));
    const [path = '', query = ''] = what.split('?');
    const body = operation.body === undefined ? undefined : this.#body(operation.body, request.body, asker);
    const sent = body ?? (this.#once(20) ? '{"surprise": 1}' : undefined);
    return {
      what: `${this.#method(this.#path(path))}${this.#query(operation.query, query, asker)}`,
      body: sent,
      headers: { ...request.headers, ...this.#headers(asker) },
    };
  }

  #once(in_: number): boolean {
    return this.#random.below(in_) === 0;
  }

  #about({ own, others }: Asker): Belongings {
    const uuids = { run_id: NOBODYS, trigger_id: NOBODYS, member_id: NOBODYS, message_id: NOBODYS, tenant_id: NOBODYS };
    const nobodys = { ...uuids, key_id: '0123456789abcdef' };
    return this.#random.pick([own, own, others, nobodys]);
  }

  #method(path: string): string {
    return this.#once(60) ? path.replace(/^\w+/, this.#random.pick(['PATCH', 'GET', 'PUT', 'DELETE', 'POST'])) : path;
  }

  #path(path: string): string {
    if (this.#once(8)) return path.replace(/[0-9a-f-]{36}|decay|[0-9a-f]{16}/, this.#random.pick(ODD_PARAMS));
    return this.#once(30) ? path.replace(/[0-9a-f-]{36}/, (id) => id.toUpperCase()) : path;
  }

  #query(schemas: Readonly<Record<string, Schema>>, given: string, asker: Asker): string {
    const parts = given === '' || this.#once(5) ? [] : [given];
    for (const [name, schema] of Object.entries(schemas)) {
      if (!this.#once(3)) continue;
      parts.push(`${name}=${this.#queryValue(name, schema, asker)}`);
      if (this.#once(10)) parts.push(`${name}=again`);
    }
    if (this.#once(15)) parts.push(`${this.#random.pick([...NAMES, 'limit[]', '%00', '=&&', '%'])}=x`);
    return parts.length === 0 ? '' : `?${parts.join('&')}`;
  }

  #queryValue(name: string, schema: Schema, asker: Asker): string {
    if (this.#once(3)) return this.#random.pick([...ODD_PARAMS, '0', '-1', '1e9', '10abc']);
    if (name === 'cursor') return this.#cursor(asker);
    if (name === 'limit') return this.#random.pick(['1', '2', '999', '1000', '01', '1.5']);
    const value = this.#valueOf(schema, asker, 0);
    return encodeURIComponent(
      (typeof value === 'string' ? value : String(JSON.stringify(value))).replace(/\p{Cs}/gu, ''),
    );
  }

  /** One that was given, or one that looks like it. */
  #cursor({ cursors, own, others }: Asker): string {
    if (this.#once(2)) return this.#random.pick(cursors);
    const owner = this.#random.pick([own.tenant_id, own.tenant_id, own.tenant_id, others.tenant_id, 'fleet']);
    const place = this.#random.pick([
      ['2026-99-99T99:99:99.999999Z', NOBODYS],
      ['0000-01-01T00:00:00.000000Z', NOBODYS],
      ['2026-06-01T00:00:00.000000Z', '-'.repeat(36)],
      ['-'.repeat(36)],
      ['999999999999999999'],
      ['2026-----------Z', 'decay'],
      [null],
      [{ $ne: 1 }, ['x']],
    ]);
    return Buffer.from(JSON.stringify([owner, ...place])).toString('base64url');
  }

  #headers({ own, others }: Asker): Record<string, string> {
    const headers: Record<string, string> = {};
    for (const [name, values] of Object.entries(ODD_HEADERS))
      if (this.#once(name === 'idempotency-key' ? 6 : 20)) headers[name] = this.#random.pick(values);
    if (this.#once(40)) headers['x-tenant-id'] = this.#random.pick([own.tenant_id, others.tenant_id]);
    if (this.#once(30)) headers['content-type'] = this.#random.pick(MEDIA);
    return headers;
  }

  #body(schema: Schema, sample: unknown, asker: Asker): string | Buffer | undefined {
    if (this.#once(40)) return undefined;
    let body: unknown = marked(sample, asker.mark);
    for (const [name, inner] of Object.entries(schema.properties ?? {}))
      if (this.#once(5))
        Object.assign(body as object, {
          [name]: this.#valueOf(inner, asker, 0),
        });
    if (this.#once(8)) body = this.#valueOf(schema, asker, 0);
    for (let times = this.#random.below(3); times > 0; times -= 1) body = this.#bent(body, asker);
    return this.#written(body);
  }

  /** As it goes over the wire, mostly. */
  #written(body: unknown): string | Buffer {
    const text = JSON.stringify(body) ?? '';
    if (!this.#once(8)) return text;
    return this.#random.pick([
      () => text.slice(0, this.#random.below(text.length + 1)),
      () => `\ufeff${text}`,
      () => Buffer.concat([Buffer.from(text), Buffer.from([0xff, 0xfe, 0x00])]),
      () => Buffer.from(text, 'utf16le'),
      () => text.replace('{', '{"worker":"decay","worker":"decay",'),
      () => text.replace('{', `{"${this.#random.pick(NAMES)}":{"polluted":true},`),
      () => text.replace(/"[^"]*"(?=[,}\]])/, this.#random.pick(['1e999', '9007199254740993', '-0', '01', 'NaN'])),
      () => text.replace(/"(?=[,}\]])/, this.#random.pick(['\\u0000"', '\\ud800"', '\\u202e"', '\n"'])),
      () => deep(5_000),
      () => '['.repeat(100_000),
    ])();
  }

  /** With one thing in it changed. */
  #bent(value: unknown, asker: Asker): unknown {
    if (typeof value !== 'object' || value === null || this.#once(12)) return this.#oddValue(asker);
    const copy = (Array.isArray(value) ? [...value] : { ...value }) as Record<string, unknown>;
    const key = Object.keys(copy)[this.#random.below(Math.max(1, Object.keys(copy).length))];
    if (key === undefined || this.#once(6)) {
      if (Array.isArray(copy)) copy.push(this.#oddValue(asker));
      else copy[`${this.#random.pick([...NAMES, 'Name', ' name', '💥'])}`] = this.#oddValue(asker);
    } else if (this.#once(5) && !Array.isArray(copy)) delete copy[key];
    else copy[key] = this.#bent(copy[key], asker);
    return copy;
  }

  #oddValue(asker: Asker): unknown {
    return this.#random.pick<() => unknown>([
      () => null,
      () => this.#random.pick(NUMBERS),
      () => this.#text(asker),
      () => this.#random.pick([...TIMES, ...DATES, ...AMOUNTS, ...ZONES]),
      () => this.#random.pick([true, false, [], {}, [[]], [null], { $ne: 1 }]),
      () => this.#id(asker),
      () => JSON.parse(deep(this.#random.below(2) === 0 ? 3 : 20)),
      () => (this.#once(20) ? 'x'.repeat(300_000) : '\ud800'),
    ])();
  }

  #text({ mark }: Asker): string {
    return this.#once(2) ? mark : this.#random.pick(NASTY_TEXTS);
  }

  #id({ own, others }: Asker): string {
    return this.#random.pick([...Object.values(own), ...Object.values(others), NOBODYS] as string[]);
  }

  /** Something that the schema might have meant. */
  #valueOf(schema: Schema, asker: Asker, depth: number): unknown {
    const { anyOf, oneOf, enum: words, const: only, type, items, properties = {} } = schema ?? {};
    const either = anyOf ?? oneOf;
    if (either !== undefined) return this.#valueOf(this.#random.pick(either), asker, depth);
    if (words !== undefined) return this.#random.pick(words);
    if (only !== undefined) return only;
    if (type === 'string') return this.#stringOf(schema, asker);
    if (type === 'number' || type === 'integer') return this.#random.pick(NUMBERS);
    if (type === 'boolean') return this.#once(2);
    if (type === 'null') return null;
    if (type === 'array' && depth < 5)
      return Array.from({ length: this.#random.below(4) }, () => this.#valueOf(items, asker, depth + 1));
    const names = Object.keys(properties).filter(() => !this.#once(3));
    if (names.length === 0) return { [asker.mark]: this.#oddValue(asker) };
    return Object.fromEntries(names.map((name) => [name, this.#valueOf(properties[name], asker, depth + 1)]));
  }

  #stringOf({ format, pattern }: Schema, asker: Asker): string {
    if (format === 'uuid') return this.#id(asker);
    if (format === 'date-time') return this.#random.pick(TIMES);
    if (format === 'date') return this.#random.pick(DATES);
    if (pattern !== undefined && this.#once(2)) return this.#random.pick(AMOUNTS);
    return this.#once(4) ? this.#random.pick(ZONES) : this.#text(asker);
  }
}

/** A right body whose free texts say whose it is. */
function marked(sample: unknown, mark: string): unknown {
  const text = JSON.stringify(sample ?? {});
  return JSON.parse(text.replace(/"(sample|Sample|gpt-4o)"/g, (_all, word) => JSON.stringify(`${word} ${mark}`)));
}
