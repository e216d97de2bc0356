import { randomUUID } from 'node:crypto';
import { Redis } from 'ioredis';
import { eventually } from './eventually.ts';
import { RedisMonitor } from './redis-monitor.ts';

/** Counts the entries of queues that are given out once more since the lock of whoever took them ran out, as on a machine under load. */
export class GivenAgain {
  readonly #redis: Redis;
  readonly #monitor: RedisMonitor;
  readonly #heard = new Set<string>();
  #count = 0;

  /** Of what comes from now on: of every command, since the stream of events is cut off too soon to be counted on. */
  constructor(redisUrl: string) {
    this.#redis = new Redis(redisUrl);
    this.#monitor = new RedisMonitor(redisUrl, ({ inScript, name, args }) => {
      if (inScript && name === 'xadd' && args.includes('stalled')) this.#count += 1;
      if (name === 'echo') this.#heard.add(args[0] ?? '');
    });
  }

  async ready(): Promise<void> {
    await this.#monitor.ready();
  }

  /** How often that has been so far. */
  async count(): Promise<number> {
    const now = randomUUID();
    await this.#redis.echo(now);
    const isHeard = () => (this.#heard.has(now) ? true : undefined);
    await eventually(isHeard, { what: 'all commands so far to be heard', withinMs: 60_000 });
    return this.#count;
  }

  end(): void {
    this.#monitor.end();
    this.#redis.disconnect();
  }
}
