import { Redis } from 'ioredis';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import {
  announceConsumer,
  type ConsumerAnnouncement,
  readConsumers,
  withdrawConsumer,
} from '../../queues/consumers.ts';
import { dedicatedQueue, sharedQueue } from '../../queues/names.ts';
import { TicketProducer } from '../../queues/producer.ts';
import { hearWork } from '../../queues/topology.ts';
import type { Clock } from '../../src/kernel/clock.ts';
import { readKeyList } from '../../src/kernel/key-list.ts';
import { Keyring } from '../../src/kernel/keyring.ts';
import { eventually } from '../support/eventually.ts';
import { seeded } from '../support/random.ts';
import { useRedis } from '../support/redis.ts';
import { ticketOf, ticketRun } from '../support/tickets.ts';

const redisUrl = useRedis();
const random = seeded('consumers');
let redis: Redis;

beforeAll(() => {
  redis = new Redis(redisUrl());
});

beforeEach(async () => {
  await redis.flushdb();
});

afterAll(() => redis.disconnect());

const QUEUES = [sharedQueue('decay', 0), sharedQueue('decay', 1)] as const;

function consumer(id: string, more: Partial<ConsumerAnnouncement> = {}): ConsumerAnnouncement {
  return { id, workers: ['decay'], slots: 4, steps: 2, queues: QUEUES, ...more };
}

describe('processes that announce themselves', () => {
  it('are counted per worker and per queue', async () => {
    const own = dedicatedQueue('decay', random.uuid());
    await announceConsumer(redis, consumer('a'), 60_000);
    await announceConsumer(redis, consumer('b', { workers: ['decay', 'tally'], slots: 3, queues: [own] }), 60_000);
    const consumers = await readConsumers(redis);
    expect([...consumers.capacities]).toEqual([
      ['decay', { slots: 7, steps: 4, processes: 2 }],
      ['tally', { slots: 3, steps: 2, processes: 1 }],
    ]);
    expect([...consumers.processes]).toEqual([
      ['decay', 2],
      ['tally', 1],
    ]);
    const queues = [QUEUES[0], own, dedicatedQueue('decay', random.uuid())];
    expect(queues.map((queue) => consumers.slotsAt(queue))).toEqual([4, 3, 0]);
    await announceConsumer(redis, consumer('c', { consumes: 'quarantine,0' }), 60_000);
    const parted = await readConsumers(redis);
    const takers = parted.takers.filter(({ worker }) => worker === 'decay');
    expect(takers.map(({ consumes, slots, processes }) => [consumes.text, slots, processes])).toEqual([
      ['0,quarantine', 4, 1],
      ['shared,dedicated', 7, 2],
    ]);
    expect([...QUEUES, own, 'rae.decay.p256', 'nothing'].map((queue) => parted.takersOf(queue))).toEqual([
      3, 2, 2, 3, 0,
    ]);
  });

  it('are forgotten when they fall silent or say that they go', async () => {
    await announceConsumer(redis, consumer('silent'), 1);
    await announceConsumer(redis, consumer('gone'), 60_000);
    await announceConsumer(redis, consumer('here', { slots: 1 }), 60_000);
    await withdrawConsumer(redis, 'gone');
    const isForgotten = async () => (await readConsumers(redis)).processes.get('decay') === 1 || undefined;
    await eventually(isForgotten, { what: 'the silent one to be forgotten' });
    expect((await readConsumers(redis)).capacities.get('decay')?.slots).toBe(1);
    expect(await redis.hkeys('rae:consumers')).toEqual(['here']);
  });

  it('are found among whatever else somebody has put there', async () => {
    await announceConsumer(redis, consumer('a'), 60_000);
    const until = Date.now() + 60_000;
    await redis.hset('rae:consumers', 'b', 'text', 'c', `${until} text`, 'd', `${until} {"workers":1}`, 'e', '');
    expect((await readConsumers(redis)).processes.get('decay')).toBe(1);
    await redis.set('rae:consumers', 'text');
    expect((await readConsumers(redis)).processes.size).toBe(0);
    await redis.set('rae:consumers', 'text');
    await announceConsumer(redis, consumer('a'), 60_000);
    expect((await readConsumers(redis)).processes.size).toBe(1);
  });
});

describe('a producer', () => {
  it('says at once which dedicated queues have work, of each four times a second at most', async () => {
    const subscriber = new Redis(redisUrl());
    const heard: string[] = [];
    const stop = await hearWork(subscriber, (queues) => void heard.push(...queues));
    let now = 0;
    const clock: Clock = { now: () => new Date(), monotonicMs: () => now };
    const producer = new TicketProducer(redis, clock);
    const keys = new Keyring(readKeyList(`k1:${Buffer.alloc(32, 1).toString('base64')}`));
    const [one, two] = [dedicatedQueue('decay', random.uuid()), dedicatedQueue('decay', random.uuid())] as const;
    const add = async (...queues: readonly string[]) =>
      await producer.add(queues.map((queue) => ticketOf(keys, queue, [ticketRun(random.uuid())])));
    try {
      await redis.publish('rae:work', 'no list');
      await add(one, one, QUEUES[0]);
      await add(one);
      now = 249;
      await add(one, two);
      now = 250;
      await add(two, one);
      await eventually(() => heard.length >= 3 || undefined, { what: 'three words' });
      expect(heard).toEqual([one, two, one]);
    } finally {
      await stop();
      await producer.close();
      subscriber.disconnect();
    }
  });
});
