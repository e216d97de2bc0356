import { randomUUID } from 'node:crypto';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { dedicatedQueue, sharedQueue } from '../../queues/names.ts';
import { TICKET_BYTES } from '../../queues/ticket.ts';
import { readKeyList } from '../../src/kernel/key-list.ts';
import { Keyring } from '../../src/kernel/keyring.ts';
import { useDatabase } from '../support/database.ts';
import { eventually } from '../support/eventually.ts';
import { ready, TestFleet } from '../support/fleet.ts';
import { GivenAgain } from '../support/given-again.ts';
import { commandCycle, quiet } from '../support/ledger.ts';
import { type TestProcess, useProcesses } from '../support/processes.ts';
import { seeded } from '../support/random.ts';
import { useRedis } from '../support/redis.ts';
import { enrolledAll, expectEachOnce, type MixedTenant, mixedTenants, TEN_DAYS } from '../support/ten-days.ts';
import { entriesOf, putByHand, queueKey, type RawEntry, ticketOf, ticketRun } from '../support/tickets.ts';

const MUTANTS = 10_000;
const QUEUES = [sharedQueue('decay', 0), sharedQueue('decay', 1)] as const;
const secret = (fill: number): string => Buffer.alloc(32, fill).toString('base64');
const KEYS = `k2:${secret(2)},k1:${secret(1)}`;

const database = useDatabase();
const redisUrl = useRedis();
useProcesses('all');
const random = seeded('mutated tickets');
const keys = new Keyring(readKeyList(KEYS));
const foreignKeys = new Keyring(readKeyList(`k2:${secret(9)}`));
const retiredKeys = new Keyring(readKeyList(`k0:${secret(1)}`));
let redis: Redis;
let worker: TestProcess;
let port: unknown;
let tenants: readonly MixedTenant[];
let used = 0;

beforeAll(async () => {
  redis = new Redis(redisUrl(), { maxRetriesPerRequest: null });
  const fleet = new TestFleet({ database: database(), redisUrl: redisUrl(), env: { RAE_ENVELOPE_KEYS: KEYS } });
  worker = fleet.worker(['decay'], { RAE_LOG_LEVEL: 'info' });
  await ready(fleet.scheduler({ RAE_LOG_LEVEL: 'info' }), worker);
  port = (await worker.event('port.opened')).port;
  tenants = await mixedTenants(
    database(),
    random,
    Array.from({ length: 30 }, () => 20),
  );
  await enrolledAll(database(), tenants);
  await cycle();
});

afterAll(() => redis.disconnect());

/** One more day for all tenants. */
async function cycle(): Promise<void> {
  const day = TEN_DAYS[used] as Date;
  used += 1;
  await commandCycle(database(), day);
  await quiet(database());
}

/** How many entries the worker has refused so far, by reason. */
async function refusals(): Promise<ReadonlyMap<string, number>> {
  const text = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
  const lines = text.matchAll(/^rae_envelopes_refused_total\{reason="(\w+)"\} (\d+)$/gm);
  return new Map([...lines].map(([, reason = '', count]) => [reason, Number(count)]));
}

const total = (counts: ReadonlyMap<string, number>): number => [...counts.values()].reduce((sum, one) => sum + one, 0);

async function refusedInAll(count: number): Promise<ReadonlyMap<string, number>> {
  const look = async () => {
    const counts = await refusals();
    return total(counts) >= count ? counts : undefined;
  };
  return await eventually(look, { what: `${count} entries to be refused`, withinMs: 120_000 });
}

async function queuesAreEmpty(): Promise<void> {
  const look = async () => {
    const counts = await Promise.all(QUEUES.map((queue) => entriesOf(redis, queue)));
    return counts.every((count) => count === 0) ? true : undefined;
  };
  await eventually(look, { what: 'both queues to be empty', withinMs: 60_000 });
}

/** What every session of the worker in the database did last, and when. */
async function sessions(): Promise<ReadonlyMap<string, string>> {
  const rows = await database().admin<{ pid: string; did: string }>(
    `select pid::text, format('%s %s', query_start, query) as did from pg_catalog.pg_stat_activity
      where datname = current_database() and application_name = 'rae worker'`,
  );
  return new Map(rows.map(({ pid, did }) => [pid, did]));
}

const ledger = () => database().admin('select * from public.runs order by tenant_id, slot');

/** A genuine ticket for runs that there are, as text. */
function genuine(queue: string, ring = keys): string {
  const runs = Array.from({ length: 1 + random.below(4) }, () => ticketRun(random.pick(tenants).id));
  return JSON.stringify(ticketOf(ring, queue, runs));
}

/** Any one thing that somebody could change of a genuine ticket; `queue` is where it is put. */
const MUTATIONS: Readonly<Record<string, (queue: string) => string>> = {
  byte: (queue) => {
    const text = genuine(queue);
    const at = random.below(text.length);
    const byte = String.fromCharCode(random.below(256));
    const kept = random.below(2);
    const mutant = text.slice(0, at) + byte + text.slice(at + kept);
    return mutant === text ? `${text} ` : mutant;
  },
  left_out: (queue) => {
    const text = genuine(queue);
    const at = random.below(text.length);
    return text.slice(0, at) + text.slice(at + 1 + random.below(40));
  },
  field: (queue) => {
    const text = genuine(queue);
    const ticket = JSON.parse(text);
    const values = [null, true, -1, 1.5, 2 ** 60, '', 'x', [], {}, '__proto__', random.uuid(), JSON.parse(text)];
    const target = random.pick([ticket, ticket.runs[0]]);
    target[random.pick([...Object.keys(target), 'constructor', 'extra'])] = random.pick<unknown>(values);
    const mutant = JSON.stringify(ticket);
    return mutant === text ? `${mutant}\n` : mutant;
  },
  later: (queue) =>
    genuine(queue).replace(/"exp":(\d+)/, (_all, exp) => `"exp":${Number(exp) + 1 + random.below(1e9)}`),
  attempt: (queue) => genuine(queue).replace('"attempt":0', `"attempt":${1 + random.below(9)}`),
  tenant: (queue) => genuine(queue).replace(/"tenant":"[^"]+"/, `"tenant":"${random.uuid()}"`),
  epoch: (queue) => genuine(queue).replace('"epoch":0', `"epoch":${1 + random.below(9)}`),
  payload: (queue) => genuine(queue).replace('"payload":null', `"payload":"${'ab'.repeat(32)}"`),
  other_key: (queue) => genuine(queue, foreignKeys),
  retired_key: (queue) => genuine(queue, retiredKeys),
  other_queue: (queue) => genuine(random.pick([...QUEUES, sharedQueue('decay', 7)].filter((other) => other !== queue))),
  dedicated: () => genuine(dedicatedQueue('decay', random.pick(tenants).id)),
  renamed: (queue) => genuine(sharedQueue('another', 0)).replace(/"queue":"[^"]+"/, `"queue":"${queue}"`),
  version: (queue) => genuine(queue).replace('"v":2', `"v":${random.pick([0, 1, 3, 99, -2])}`),
  oversized: (queue) => genuine(queue).padEnd(TICKET_BYTES + 1 + random.below(1_000)),
  rubbish: () => random.pick(['', 'null', '[]', '{', '"', '0', 'undefined', '\u0000', '[[[[', '{"__proto__":{"v":2}}']),
};

function mutants(count: number): readonly (RawEntry & { readonly kind: string })[] {
  const kinds = Object.keys(MUTATIONS);
  return Array.from({ length: count }, (_none, index) => {
    const [queue, kind] = [random.pick(QUEUES), kinds[index % kinds.length] as string];
    return {
      kind,
      queue,
      fields: { name: 'ticket', data: MUTATIONS[kind]?.(queue) ?? '', opts: '{}', timestamp: '1' },
    };
  });
}

describe('a running fleet into whose queues somebody puts tickets by hand', () => {
  it('refuses every one of them, for the reason it has, without a word to the database', async () => {
    await queuesAreEmpty();
    const [before, runs, counted] = [await sessions(), await ledger(), await refusals()];
    expect([total(counted), before.size > 0]).toEqual([0, true]);
    const all = mutants(MUTANTS);
    const again = new GivenAgain(redisUrl());
    await again.ready();
    for (let at = 0; at < all.length; at += 500) await putByHand(redis, all.slice(at, at + 500));
    await refusedInAll(all.length);
    await queuesAreEmpty();
    // One whose lock ran out before it was put away came once more, and was refused once more.
    const twice = await again.count();
    again.end();
    expect(total(await refusals()), `${twice} were given out again`).toBe(all.length + twice);
    const counts = await refusals();
    const of = (...kinds: readonly string[]) => all.filter(({ kind }) => kinds.includes(kind)).length;
    expect(counts.get('oversized')).toBeGreaterThanOrEqual(of('oversized'));
    expect(counts.get('oversized')).toBeLessThanOrEqual(of('oversized') + twice);
    expect(counts.get('version')).toBeGreaterThanOrEqual(of('version'));
    expect(counts.get('wrong_queue')).toBeGreaterThanOrEqual(of('other_queue', 'dedicated'));
    expect(counts.get('unknown_key')).toBeGreaterThanOrEqual(of('retired_key'));
    expect(counts.get('malformed')).toBeGreaterThanOrEqual(of('rubbish'));
    const forged = of('later', 'attempt', 'tenant', 'epoch', 'payload', 'other_key');
    expect(counts.get('bad_signature')).toBeGreaterThanOrEqual(forged);
    // No session of the worker sent anything meanwhile, and none was opened; idle ones may have been closed.
    for (const [pid, did] of await sessions()) expect(before.get(pid), did).toBe(did);
    expect(await ledger()).toEqual(runs);
    expect(worker.exit).toBeUndefined();
    // A genuine one is heard of, so that the silence says something.
    await putByHand(redis, [{ queue: QUEUES[0], fields: { data: genuine(QUEUES[0]) } }]);
    const isHeard = async () => {
      const now = await sessions();
      return [...now].some(([pid, did]) => before.get(pid) !== did) ? true : undefined;
    };
    await eventually(isHeard, { what: 'a session to be used' });
    expect(await ledger()).toEqual(runs);
  });

  it('keeps the newest thousand of what it refused, cut short, for people to look at', async () => {
    const kept = await redis.lrange('rae:quarantine', 0, -1);
    expect(kept).toHaveLength(1_000);
    for (const entry of kept.map((text) => JSON.parse(text))) {
      expect(Object.keys(entry)).toEqual(['at', 'queue', 'reason', 'data']);
      expect(entry.data.length).toBeLessThanOrEqual(512);
      expect(QUEUES).toContain(entry.queue);
    }
    await redis.set('rae:quarantine', 'no list');
    const before = total(await refusals());
    await putByHand(redis, mutants(3));
    await refusedInAll(before + 3);
    await queuesAreEmpty();
    expect(await redis.llen('rae:quarantine')).toBeGreaterThan(0);
  });

  it('does the runs that are owed all the same, each once', async () => {
    const before = total(await refusals());
    let isDone = false;
    const flood = (async () => {
      let put = 0;
      for (; !isDone; put += 100) {
        await putByHand(redis, mutants(100));
        // As much as is taken: a flood without end, at the head of the queues, leaves nobody else a turn.
        await refusedInAll(before + put);
      }
      return put;
    })();
    try {
      for (let day = 0; day < 3; day += 1) await cycle();
    } finally {
      isDone = true;
    }
    await refusedInAll(before + (await flood));
    await queuesAreEmpty();
    await expectEachOnce(database(), tenants, TEN_DAYS.slice(0, used));
  });

  it('goes on when entries have no data, other options, other types, or names and owners of their own', async () => {
    const [queue] = QUEUES;
    const text = genuine(queue).replace('"attempt":0', '"attempt":1');
    const whole = { name: 'ticket', data: text, opts: '{}', timestamp: '1' };
    const fields: readonly Readonly<Record<string, string>>[] = [
      { ...whole, name: 'constructor' },
      { ...whole, data: JSON.stringify('x'.repeat(5_000_000)) },
      { ...whole, data: 'x'.repeat(5_000_000) },
      { ...whole, id: 'another' },
      ...['null', '[]', '{', '1', '"x"', '{"__proto__":{"polluted":1},"constructor":{"polluted":1}}'].map((opts) => ({
        ...whole,
        opts,
      })),
      {
        ...whole,
        opts: JSON.stringify({ repeat: { every: 1 }, attempts: 99, delay: 3.2e11, removeOnComplete: { count: 1e9 } }),
      },
      {
        ...whole,
        rjk: 'again',
        opts: JSON.stringify({ repeat: { every: 1, limit: 9 }, parent: { id: '1', queue: 'x' } }),
      },
      { ...whole, rjk: 'a:b:c:d:* * * * *' },
      ...['{', 'null', '7', '{"id":1}', '{"queueKey":"bull:x","id":"1","fpof":true}'].map((parent) => ({
        ...whole,
        parent,
      })),
      ...['', 'x', 'bull:x:1', ':', `${queueKey(queue, 'wait')}`].map((parentKey) => ({ ...whole, parentKey })),
      { ...whole, parentKey: 'bull:x:1', parent: '{"id":"1","queueKey":"bull:x"}', deid: 'd', defa: 'failed before' },
      ...['ats', 'atm', 'stc', 'delay', 'priority', 'timestamp', 'processedOn'].map((name) => ({
        ...whole,
        [name]: 'no number',
      })),
      ...['progress', 'stacktrace', 'returnvalue', 'failedReason', 'defa', 'pb'].map((name) => ({
        ...whole,
        [name]: '{',
      })),
      { name: 'ticket' },
    ];
    const ids = [
      '',
      ' ',
      'wait',
      'active',
      'meta',
      'events',
      'marker',
      '0:1',
      '0:2',
      'a:b:c',
      '*',
      '../x',
      '__proto__',
      'ünï',
      '\u0000',
    ];
    const bytes = [Buffer.from([0xff, 0xfe]), Buffer.from([0xc3, 0x28, 0x80])];
    const twice = randomUUID();
    const before = total(await refusals());
    const hashes = fields.map((each): RawEntry => ({ queue, fields: each }));
    await putByHand(redis, [
      ...hashes,
      ...[...ids, ...bytes].map((id): RawEntry => ({ queue, id })),
      ...[...bytes].map((tail): RawEntry => ({ queue, id: Buffer.concat([tail, tail]), fields: whole })),
      { queue, id: twice, fields: whole },
      { queue, id: twice },
      { queue, id: twice },
    ]);
    const types: readonly (readonly [string, () => Promise<unknown>])[] = [
      ['a-text', () => redis.set(queueKey(queue, 'a-text'), 'x')],
      ['a-list', () => redis.rpush(queueKey(queue, 'a-list'), 'x')],
      ['a-set', () => redis.sadd(queueKey(queue, 'a-set'), 'x')],
      ['a-stream', () => redis.xadd(queueKey(queue, 'a-stream'), '*', 'x', 'y')],
    ];
    for (const [id, make] of types) {
      await make();
      await putByHand(redis, [{ queue, id }]);
    }
    await redis.hset(queueKey(queue, 'later'), whole);
    await redis.zadd(
      queueKey(queue, 'delayed'),
      'inf',
      'for ever',
      1,
      'at once',
      -1,
      'before',
      Date.now() * 0x1000,
      'later',
    );
    await redis.zadd(queueKey(queue, 'prioritized'), 1, 'first');
    await redis.lpush(queueKey(queue, 'active'), 'held by nobody');
    await refusedInAll(before + hashes.length + types.length);
    await queuesAreEmpty();
    await cycle();
    await expectEachOnce(database(), tenants, TEN_DAYS.slice(0, used));
    expect(worker.exit).toBeUndefined();
    expect(await redis.zcard(queueKey(queue, 'completed'))).toBe(0);
    expect(await redis.zcard(queueKey(queue, 'failed'))).toBe(0);
    expect(await redis.keys(`${queueKey(queue, 'repeat')}*`)).toEqual([]);
  });

  const OWN_KEYS = ['wait', 'active', 'meta', 'events', 'marker', 'delayed', 'prioritized', 'stalled', 'id'];
  it.each(OWN_KEYS)('mends a queue whose key %s was replaced by something else', async (name) => {
    const key = queueKey(QUEUES[0], name);
    await redis.multi().del(key).set(key, 'something else').exec();
    await commandCycle(database(), new Date(Date.UTC(2025, 0, 1 + OWN_KEYS.indexOf(name))));
    await quiet(database());
    const look = async () =>
      (await redis.type(key)) === 'string' && Number.isNaN(Number(await redis.get(key))) ? undefined : true;
    await eventually(look, { what: `${name} to be mended` });
    expect(worker.exit).toBeUndefined();
  });
});
