import { randomBytes, randomUUID } from 'node:crypto';
import { Redis } from 'ioredis';
import { afterEach, describe, expect, it } from 'vitest';
import type { Completion } from '../../queues/completion-message.ts';
import { CompletionPublisher, hearCompletions } from '../../queues/completions.ts';
import { Keyring } from '../../src/kernel/keyring.ts';
import { eventually } from '../support/eventually.ts';
import { useRedis } from '../support/redis.ts';

const redisUrl = useRedis();
const ends: (() => unknown)[] = [];
const key = (id: string) => ({ id, base64: randomBytes(32).toString('base64') });
const known = key('known');
const later = key('later');

afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

async function connection(): Promise<Redis> {
  const redis = new Redis(redisUrl(), { lazyConnect: true });
  await redis.connect();
  ends.push(() => redis.disconnect());
  return redis;
}

/** A hearer that knows `known`, and `later` from its first look for newer keys on. */
async function hearer() {
  const heard: Completion[] = [];
  const refused: string[] = [];
  let looks = 0;
  const keys = {
    ring: new Keyring([known]),
    renew: async () => {
      looks += 1;
      keys.ring = new Keyring([known, later]);
    },
  };
  const stop = await hearCompletions(
    await connection(),
    keys,
    (completions) => heard.push(...completions),
    (reason) => refused.push(reason),
  );
  ends.push(stop);
  return { heard, refused, looks: () => looks };
}

const left = (attempt: number): Completion => ({
  tenant: randomUUID(),
  run: randomUUID(),
  worker: 'decay',
  attempt,
  ms: 2,
});
const until = (what: string, isSo: () => boolean) => eventually(() => (isSo() ? true : undefined), { what });

describe('completions', () => {
  it('come to whoever hears, many in one message', async () => {
    const { heard, refused } = await hearer();
    const publisher = new CompletionPublisher(await connection(), { ring: new Keyring([known]) });
    const sent = Array.from({ length: 1_200 }, (_none, at) => left(at));
    for (const one of sent) publisher.completed(one);
    publisher.flush();
    await until('all of them', () => heard.length === sent.length);
    expect(heard).toEqual(sent);
    expect(refused).toEqual([]);
  });

  it('that anybody else publishes are ignored and counted, and the next ones are heard', async () => {
    const { heard, refused } = await hearer();
    const redis = await connection();
    const { tenant, run } = left(1);
    await redis.publish('rae:completions', JSON.stringify([[tenant, run, 'decay', 3]]));
    await redis.publish('rae:completions', 'x'.repeat(200_000));
    const impostor = new CompletionPublisher(redis, { ring: new Keyring([key('known')]) });
    impostor.completed(left(1));
    impostor.flush();
    const publisher = new CompletionPublisher(redis, { ring: new Keyring([known]) });
    const good = left(2);
    publisher.completed(good);
    publisher.flush();
    await until('the good one', () => heard.length > 0);
    expect(heard).toEqual([good]);
    expect(refused).toEqual(['malformed', 'oversized', 'bad_signature']);
  });

  it('under a key that is not known yet make their hearer look for it', async () => {
    const { heard, refused, looks } = await hearer();
    const publisher = new CompletionPublisher(await connection(), { ring: new Keyring([later, known]) });
    const one = left(1);
    publisher.completed(one);
    publisher.flush();
    await until('it', () => heard.length > 0);
    expect(heard).toEqual([one]);
    expect([looks(), refused]).toEqual([1, []]);
  });
});
