import { afterAll, beforeAll } from 'vitest';
import { onboard } from '../../src/access/onboarding.ts';
import { OperatorKeyBook } from '../../src/access/operator-key-book.ts';
import { OPERATOR } from '../../src/audit/log.ts';
import { type ApiParts, makeApi } from '../../src/http/api.ts';
import type { ApiServer } from '../../src/http/server.ts';
import { systemClock } from '../../src/kernel/clock.ts';
import { Events } from '../../src/observe/events.ts';
import { TenantRegistry } from '../../src/tenant/registry.ts';
import { loadCatalogue } from '../../workers/index.ts';
import type { TestDatabase } from './database.ts';

/** A request as tests write it. */
export interface TestRequest {
  /** An API key; undefined = none is sent. */
  readonly key?: string | undefined;
  /** Sent as JSON; text and bytes as they are. */
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

/** An answer, with its JSON read. */
export interface TestAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly text: string;
  // biome-ignore lint/suspicious/noExplicitAny: tests look at answers of every shape
  readonly body: any;
}

/** The API of one test file: the real one on the file's database, asked without a socket. */
export class TestApi {
  readonly server: ApiServer;
  readonly events: Events;
  readonly #database: TestDatabase;

  constructor(server: ApiServer, events: Events, database: TestDatabase) {
    this.server = server;
    this.events = events;
    this.#database = database;
  }

  /** @param what such as `GET /v1/runs` */
  async ask(what: string, { key, body, headers = {} }: TestRequest = {}): Promise<TestAnswer> {
    const [method = '', url = ''] = what.split(/ (.*)/s);
    const isRaw = body === undefined || typeof body === 'string' || Buffer.isBuffer(body);
    const response = await this.server.fastify.inject({
      method: method as 'GET',
      url,
      headers: {
        ...(key === undefined ? {} : { authorization: `Bearer ${key}` }),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body === undefined ? {} : { payload: isRaw ? (body as string) : JSON.stringify(body) }),
    });
    const isJson =
      response.body !== '' &&
      /json/.test(String(response.headers['content-type'])) &&
      !response.headers['content-encoding'];
    const text = response.body;
    return {
      status: response.statusCode,
      headers: response.headers,
      text,
      body: isJson ? JSON.parse(text) : undefined,
    };
  }

  /** A dead message of the tenant. */
  async message(tenantId: string): Promise<string> {
    const [made] = await this.#database.admin<{ message_id: string }>(
      `insert into public.messages (tenant_id, channel, type, state, reason, ended_at)
       values ($1, '{"email": ["a@b.example"]}', 'custom.sample', 'dead', 'refused', now()) returning message_id`,
      [tenantId],
    );
    return made?.message_id ?? '';
  }

  /** A new key of an operator. */
  async operator(): Promise<string> {
    const { text } = await new OperatorKeyBook(this.#database.open('rae_operator')).create({ name: 'sre' });
    return text;
  }

  /** A new tenant with the key of its first admin. */
  async tenant(plan = 'free'): Promise<{ readonly id: string; readonly key: string }> {
    const registry = new TenantRegistry(this.#database.open('rae_operator'));
    const { tenant, apiKey = '' } = await onboard(registry, { name: 'Acme', plan }, OPERATOR);
    return { id: tenant.tenantId, key: apiKey };
  }
}

/** The API on the file's database. */
export function useApi(database: () => TestDatabase, tokens?: () => ApiParts['tokens']): () => TestApi {
  let api: TestApi | undefined;
  beforeAll(async () => {
    const events = new Events();
    const tenants = database().tenants('rae_api', { poolSize: 4 });
    const ready = async () => ({ ok: true, says: 'it is there' });
    const operator = {
      database: database().open('rae_operator'),
      clock: systemClock,
      partitions: 2,
      shards: 1,
      depth: undefined,
    };
    const parts = {
      tenants,
      operator,
      catalogue: await loadCatalogue(),
      events,
      ready,
      clock: systemClock,
      tokens: tokens?.(),
      masterKeys: `k1:${Buffer.alloc(32, 7).toString('base64')}`,
    };
    api = new TestApi(makeApi(parts), events, database());
  });
  afterAll(async () => {
    await api?.server.drain();
  });
  return () => {
    if (api === undefined) throw new Error('the API is there inside tests and hooks only');
    return api;
  };
}
