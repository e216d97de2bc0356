import { Redis } from 'ioredis';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Completion } from '../../queues/completion-message.ts';
import { CompletionPublisher, hearCompletions } from '../../queues/completions.ts';
import { sharedQueue } from '../../queues/names.ts';
import { TicketWorker } from '../../queues/ticket-worker.ts';
import { readKeyList } from '../../src/kernel/key-list.ts';
import { Keyring } from '../../src/kernel/keyring.ts';
import { eventually } from '../support/eventually.ts';
import { seeded } from '../support/random.ts';
import { useRedis } from '../support/redis.ts';
import { entriesOf, putByHand, queueKey } from '../support/tickets.ts';

const redisUrl = useRedis();
const random = seeded('ticket worker');
const QUEUE = sharedQueue('decay', 0);
const keys = {
  ring: new Keyring(readKeyList(`k1:${Buffer.alloc(32, 1).toString('base64')}`)),
  renew: async () => undefined,
};
let redis: Redis;
let subscriber: Redis;

beforeAll(() => {
  redis = new Redis(redisUrl(), { maxRetriesPerRequest: null });
  subscriber = new Redis(redisUrl());
});

beforeEach(async () => {
  await redis.flushdb();
});

afterAll(() => {
  redis.disconnect();
  subscriber.disconnect();
});

describe('a worker that may take several tickets', () => {
  it('begins with the first before it asks for the next, and works on each once', async () => {
    const entries = Array.from({ length: 8 }, (_none, index) => ({ queue: QUEUE, fields: { data: String(index) } }));
    await putByHand(redis, entries);
    const left: number[] = [];
    const begun: string[] = [];
    const worker = new TicketWorker(QUEUE, {
      redis,
      concurrency: 8,
      lockMs: 60_000,
      process: async (text) => {
        begun.push(text);
        // Sent before the worker asks for another.
        left.push(await redis.llen(queueKey(QUEUE, 'wait')));
      },
      onMended: () => undefined,
      onFailed: () => undefined,
    });
    const running = worker.run();
    const isDone = async () => (begun.length > 0 && (await entriesOf(redis, QUEUE)) === 0) || undefined;
    await eventually(isDone, { what: 'all to be done' });
    await worker.close();
    await running;
    expect(left).toEqual([7, 6, 5, 4, 3, 2, 1, 0]);
    expect(begun).toEqual(['7', '6', '5', '4', '3', '2', '1', '0']);
  });
});

describe('completions', () => {
  it('of one ticket are one message, and all are heard once and in order', async () => {
    const messages: (readonly Completion[])[] = [];
    const stop = await hearCompletions(subscriber, keys, (completions) => void messages.push(completions));
    const publisher = new CompletionPublisher(redis, keys);
    const made = (count: number): readonly Completion[] =>
      Array.from({ length: count }, () => ({
        tenant: random.uuid(),
        run: random.uuid(),
        worker: 'decay',
        attempt: 0,
        ms: 1,
      }));
    const heard = async (count: number) => {
      await eventually(() => messages.flat().length >= count || undefined, { what: `${count} completions` });
      return messages.flat();
    };
    const ticket = made(100);
    for (const completion of ticket) publisher.completed(completion);
    expect(await heard(100)).toEqual(ticket);
    expect(messages).toHaveLength(1);
    const many = made(1_200);
    for (const completion of many) publisher.completed(completion);
    expect(await heard(1_300)).toEqual([...ticket, ...many]);
    const last = made(1);
    for (const completion of last) publisher.completed(completion);
    publisher.flush();
    expect(await heard(1_301)).toEqual([...ticket, ...many, ...last]);
    await redis.publish('rae:completions', 'no list');
    const after = made(1);
    for (const completion of after) publisher.completed(completion);
    expect((await heard(1_302)).at(-1)).toEqual(after[0]);
    await stop();
  });
});
