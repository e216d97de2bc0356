import { Queue } from 'bullmq';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { hashTagged, sharedQueue } from '../../queues/names.ts';
import { TicketProducer } from '../../queues/producer.ts';
import type { Ticket } from '../../queues/ticket.ts';
import { TicketWorker } from '../../queues/ticket-worker.ts';
import { type QueueSighting, watchQueue } from '../../queues/watch.ts';
import { readKeyList } from '../../src/kernel/key-list.ts';
import { Keyring } from '../../src/kernel/keyring.ts';
import { eventually } from '../support/eventually.ts';
import { OwnRedis } from '../support/own-redis.ts';
import { seeded } from '../support/random.ts';
import { useRedis } from '../support/redis.ts';
import { queueKey, ticketOf, ticketRun } from '../support/tickets.ts';

const redisUrl = useRedis();
const random = seeded('queue watch');
const keys = new Keyring(readKeyList(`k1:${Buffer.alloc(32, 1).toString('base64')}`));
const QUEUE = sharedQueue('decay', 0);
const key = (name: string) => String(queueKey(QUEUE, name));
const HEALTHY: QueueSighting = { state: 'kept', lost: [], mended: [] };

/** A dispatcher's dealings with one queue. */
class Watcher {
  readonly redis: Redis;
  readonly #producer: TicketProducer;
  #beat = 0;

  constructor(url: string) {
    this.redis = new Redis(url, { maxRetriesPerRequest: 1 });
    this.#producer = new TicketProducer(this.redis);
  }

  /** Puts so many tickets into the queue. */
  async put(count: number): Promise<readonly Ticket[]> {
    const tickets = Array.from({ length: count }, () => ticketOf(keys, QUEUE, [ticketRun(random.uuid())]));
    await this.add(tickets);
    return tickets;
  }

  async add(tickets: readonly Ticket[]): Promise<void> {
    await this.#producer.add(tickets);
  }

  /** Watches and puts what was lost there again. */
  async look(tickets: readonly Ticket[]): Promise<QueueSighting> {
    const lastBeat = this.#beat === 0 ? undefined : `1.${this.#beat}`;
    this.#beat += 1;
    const beat = `1.${this.#beat}`;
    const found = await watchQueue(this.redis, {
      queue: QUEUE,
      lastBeat,
      beat,
      tickets: tickets.map(({ mac }) => mac),
    });
    await this.add(tickets.filter(({ mac }) => found.lost.includes(mac)));
    return found;
  }

  async close(): Promise<void> {
    await this.#producer.close();
    this.redis.disconnect();
  }
}

const macs = (tickets: readonly Ticket[]) => tickets.map(({ mac }) => mac).sort();

/** What a worker finds in the queue until it is empty, sorted. */
async function taken(redis: Redis, count: number): Promise<readonly string[]> {
  const found: string[] = [];
  const worker = new TicketWorker(QUEUE, {
    redis,
    concurrency: 4,
    lockMs: 60_000,
    process: async (text) => void found.push(JSON.parse(text).mac),
    onMended: () => undefined,
    onFailed: () => undefined,
  });
  const running = worker.run();
  const isEmpty = async () => (await redis.llen(key('wait'))) + (await redis.llen(key('active'))) === 0;
  try {
    await eventually(async () => (found.length >= count && (await isEmpty()) ? true : undefined), {
      what: `${count} tickets to be taken`,
      seen: () => `${found.length} were`,
    });
  } finally {
    await worker.close();
    await running;
  }
  return found.sort();
}

describe('a dispatcher that looks at a queue', () => {
  let watcher: Watcher;
  let consuming: Redis;

  beforeAll(async () => {
    watcher = new Watcher(redisUrl());
    consuming = new Redis(redisUrl(), { maxRetriesPerRequest: null });
    await watcher.put(1);
    // BullMQ writes that once, some time after the first use of a queue.
    const isWritten = async () => ((await watcher.redis.hexists(key('meta'), 'version')) === 1 ? true : undefined);
    await eventually(isWritten, { what: 'the version of BullMQ to be written' });
  });

  beforeEach(async () => {
    await watcher.redis.flushdb();
  });

  afterAll(async () => {
    consuming.disconnect();
    await watcher.close();
  });

  /** Ten tickets in the queue and the state after `harm`, as the next look finds it; then every ticket is taken once. */
  async function foundAfter(
    harm: (redis: Redis, tickets: readonly Ticket[]) => Promise<unknown>,
  ): Promise<QueueSighting> {
    const tickets = await watcher.put(10);
    await watcher.look(tickets);
    expect(await watcher.look(tickets)).toEqual(HEALTHY);
    await harm(watcher.redis, tickets);
    const found = await watcher.look(tickets);
    expect(await watcher.look(tickets), 'it is whole again').toEqual(HEALTHY);
    expect(await taken(consuming, 10)).toEqual(macs(tickets));
    expect((await watcher.redis.keys(key('*'))).filter((name) => /:[\w-]{43}/.test(name))).toEqual([]);
    return { ...found, lost: [...found.lost].sort() };
  }

  it('finds it as it left it, and writes nothing but its beat', async () => {
    const tickets = await watcher.put(10);
    await watcher.look(tickets);
    const stateOf = async (name: string) => {
      // The fields of a hash come in an order that changes by itself.
      if ((await watcher.redis.type(name)) === 'hash') return await watcher.redis.hgetall(name);
      return await watcher.redis.dump(name);
    };
    const dump = async () => {
      const names = (await watcher.redis.keys('bull:*')).filter((name) => name !== key('marker')).sort();
      return await Promise.all(names.map(async (name) => [name, await stateOf(name)]));
    };
    const before = await dump();
    expect(await watcher.look(tickets)).toEqual(HEALTHY);
    expect(await dump()).toEqual(before);
  });

  it('learns that Redis was emptied', async () => {
    const found = await foundAfter((redis) => redis.flushdb());
    expect(found).toMatchObject({ state: 'emptied', mended: [] });
    expect(found.lost).toHaveLength(10);
  });

  it('learns that another wrote its beat', async () => {
    const found = await foundAfter((redis) => redis.set(`rae:${hashTagged(QUEUE)}:beat`, '0.9'));
    expect(found).toEqual({ ...HEALTHY, state: 'older' });
  });

  it('misses all tickets when the list of those that wait is deleted', async () => {
    let all: readonly string[] = [];
    const found = await foundAfter(async (redis, tickets) => {
      all = macs(tickets);
      await redis.del(key('wait'));
    });
    expect(found).toEqual({ ...HEALTHY, lost: all });
  });

  it('misses the tickets whose data are deleted, changed in kind, or taken out of the list', async () => {
    let some: readonly string[] = [];
    const found = await foundAfter(async (redis, tickets) => {
      const [one, two, three, four] = tickets as [Ticket, Ticket, Ticket, Ticket];
      some = macs([one, two, three, four]);
      await redis.del(key(one.mac));
      await redis.hdel(key(two.mac), 'data');
      await redis.multi().del(key(three.mac)).set(key(three.mac), 'text').exec();
      await redis.lrem(key('wait'), 0, four.mac);
    });
    expect(found).toEqual({ ...HEALTHY, lost: some });
  });

  it('misses the tickets that somebody has moved to those that are finished, and takes back those put off', async () => {
    let some: readonly string[] = [];
    const found = await foundAfter(async (redis, tickets) => {
      const [one, two, three] = tickets as [Ticket, Ticket, Ticket];
      some = macs([one, two]);
      for (const { mac } of [one, two, three]) await redis.lrem(key('wait'), 0, mac);
      await redis.zadd(key('completed'), 1, one.mac);
      await redis.zadd(key('failed'), 1, two.mac);
      await redis.zadd(key('delayed'), 9e15, three.mac);
    });
    expect(found).toEqual({ state: 'kept', lost: some, mended: ['delayed'] });
  });

  it('ends a pause made by hand at once', async () => {
    const queue = new Queue(hashTagged(QUEUE), { connection: watcher.redis, skipVersionCheck: true });
    const found = await foundAfter(async () => {
      await queue.pause();
      expect(await queue.isPaused()).toBe(true);
    });
    expect(found).toEqual({ ...HEALTHY, mended: ['meta.paused'] });
    await queue.close();
  });

  it('wakes a worker that found the queue paused', async () => {
    const queue = new Queue(hashTagged(QUEUE), { connection: watcher.redis, skipVersionCheck: true });
    await queue.pause();
    const all = taken(consuming, 5);
    const tickets = await watcher.put(5);
    const isBlocked = async () => /cmd=bzpopmin/.test(String(await watcher.redis.client('LIST'))) || undefined;
    await eventually(isBlocked, { what: 'the worker to wait' });
    expect(await watcher.redis.llen(key('wait'))).toBe(5);
    expect((await watcher.look(tickets)).mended).toEqual(['meta.paused']);
    expect(await all).toEqual(macs(tickets));
    await queue.close();
  });

  it('ends a pause as older versions of BullMQ make it, and limits made by hand', async () => {
    const queue = new Queue(hashTagged(QUEUE), { connection: watcher.redis, skipVersionCheck: true });
    const found = await foundAfter(async (redis) => {
      await redis.rename(key('wait'), key('paused'));
      await redis.hset(key('meta'), 'paused', 1, 'opts.maxLenEvents', 'many');
      await queue.setGlobalConcurrency(0);
      await queue.setGlobalRateLimit(1, 3_600_000);
      await redis.set(key('stalled-check'), '1');
    });
    expect([...found.mended].sort()).toEqual([
      'meta.concurrency',
      'meta.duration',
      'meta.max',
      'meta.opts.maxLenEvents',
      'meta.paused',
      'paused',
      'stalled-check',
    ]);
    expect(found.lost).toEqual([]);
    await queue.close();
  });

  it.each(['wait', 'active', 'meta', 'marker', 'events', 'delayed', 'id'])('mends the key %s', async (name) => {
    const found = await foundAfter((redis) => redis.multi().del(key(name)).set(key(name), 'something else').exec());
    expect(found.mended).toEqual([name]);
    expect(found.lost).toHaveLength(name === 'wait' ? 10 : 0);
  });

  it('leaves a ticket that is worked on where it is, also when the list of those is deleted', async () => {
    const tickets = await watcher.put(3);
    await watcher.look(tickets);
    let begun = 0;
    let end: () => void = () => undefined;
    const mayEnd = new Promise<void>((resolve) => {
      end = resolve;
    });
    const worker = new TicketWorker(QUEUE, {
      redis: consuming,
      concurrency: 2,
      lockMs: 60_000,
      process: async () => {
        begun += 1;
        await mayEnd;
      },
      onMended: () => undefined,
      onFailed: () => undefined,
    });
    const running = worker.run();
    await eventually(() => begun === 2 || undefined, { what: 'two tickets to be worked on' });
    expect(await watcher.look(tickets)).toEqual(HEALTHY);
    await watcher.redis.del(key('active'));
    expect(await watcher.look(tickets)).toEqual({ ...HEALTHY, mended: ['active'] });
    expect(await watcher.redis.llen(key('active'))).toBe(2);
    await watcher.redis.del(key('active'));
    end();
    await eventually(() => begun === 3 || undefined, { what: 'the third to be worked on' });
    await worker.close();
    await running;
    expect(await watcher.redis.exists(...tickets.map(({ mac }) => key(mac))), 'nothing is left of them').toBe(0);
  });

  it('sees its own among more entries put there by hand than it reads', async () => {
    const first = await watcher.put(3);
    await watcher.redis.rpush(key('wait'), ...Array.from({ length: 9_000 }, (_none, index) => `by hand ${index}`));
    const [deleted, ...others] = (await watcher.put(3)) as [Ticket, ...Ticket[]];
    await watcher.look([...first, deleted, ...others]);
    await watcher.redis.del(key(deleted.mac));
    expect(await watcher.look([...first, deleted, ...others])).toEqual({ ...HEALTHY, lost: [deleted.mac] });
    expect(await watcher.redis.llen(key('wait'))).toBe(9_006);
  });
});

describe('a dispatcher whose Redis comes back with an older state', () => {
  it('learns that, and which of its tickets the older state lacks', async () => {
    const server = new OwnRedis();
    await server.start();
    const watcher = new Watcher(server.url);
    try {
      const before = await watcher.put(5);
      await watcher.look(before);
      await server.keep();
      const since = await watcher.put(5);
      const all = [...before, ...since];
      expect(await watcher.look(all)).toEqual(HEALTHY);
      await server.kill();
      await expect(watcher.look(all)).rejects.toThrow();
      await server.start();
      const found = await eventually(() => watcher.look(all).catch(() => undefined), { what: 'Redis to be back' });
      expect({ ...found, lost: [...found.lost].sort() }).toEqual({ state: 'older', lost: macs(since), mended: [] });
      expect(await watcher.look(all)).toEqual(HEALTHY);
    } finally {
      await watcher.close();
      await server.remove();
    }
  });
});
