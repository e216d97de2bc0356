import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';

import { cacheDir } from '../../src/embedded/cache-dir.ts';
import { childEnv } from '../../src/embedded/child-env.ts';
import { freePort } from '../../src/embedded/free-port.ts';
import { serverIdentity } from '../../src/embedded/identity.ts';
import { findRedis, type RedisProgram } from '../../src/embedded/redis-program.ts';
import { eventually } from './eventually.ts';
import { startProgram, type TestProcess } from './processes.ts';

/** A Redis of this file alone, which keeps nothing unless told to, to be emptied and killed. It comes back on the same port. */
export class OwnRedis {
  readonly #folder = mkdtempSync(join(tmpdir(), 'rae-redis-'));
  #program: RedisProgram | undefined;
  #server: TestProcess | undefined;
  #port = 0;

  get url(): string {
    return `redis://127.0.0.1:${this.#port}/0`;
  }

  /** Starts it, empty or with the state that it keeps, and waits until it answers. */
  async start(): Promise<void> {
    const identity = serverIdentity(this.#folder);
    const say = (line: string) => process.stdout.write(`${line}\n`);
    const cache = () => cacheDir(undefined, process.env, identity);
    this.#program ??= await findRedis({ env: process.env, identity, say, cache });
    if (this.#port === 0) this.#port = await freePort();
    const settings = ['--bind', '127.0.0.1', '--port', String(this.#port), '--save', '', '--appendonly', 'no'];
    this.#server = startProgram(this.#program.file, [...settings, '--maxmemory-policy', 'noeviction'], {
      env: childEnv(process.env, this.#program.extra),
      cwd: this.#folder,
    });
    await this.#server.line(/Ready to accept connections/);
  }

  /** Kills it: whatever it held and did not keep is gone. */
  async kill(): Promise<void> {
    this.#server?.kill('SIGKILL');
    await this.#server?.ended();
  }

  /** Keeps its state of now on disk: it comes back with that one, however it went on. */
  async keep(): Promise<void> {
    await this.ask((redis) => redis.save());
  }

  /** A connection that whoever asks for it closes; it does not come back when Redis goes. */
  client(): Redis {
    return new Redis(this.url, { retryStrategy: () => null });
  }

  /** Asks it something on a connection of its own. */
  async ask<T>(question: (redis: Redis) => Promise<T>): Promise<T> {
    const redis = new Redis(this.url, { lazyConnect: true });
    await redis.connect();
    try {
      return await question(redis);
    } finally {
      redis.disconnect();
    }
  }

  /** How many tickets wait, or were taken and have not ended, in all its queues. */
  async tickets(): Promise<number> {
    return await this.ask(async (redis) => {
      const queues = [...(await redis.keys('bull:*:wait')), ...(await redis.keys('bull:*:active'))];
      const lengths = await Promise.all(queues.map((queue) => redis.llen(queue)));
      return lengths.reduce((sum, length) => sum + length, 0);
    });
  }

  /** Empties it; gives how many tickets were lost with that. */
  async empty(): Promise<number> {
    const script = `
      local lost = 0
      for _, list in ipairs({'wait', 'active'}) do
        for _, key in ipairs(redis.call('keys', 'bull:*:' .. list)) do lost = lost + redis.call('llen', key) end
      end
      redis.call('flushall')
      return lost`;
    return await this.ask(async (redis) => Number(await redis.eval(script, 0)));
  }

  /** Waits until it holds so many tickets. */
  async holds(tickets: number): Promise<void> {
    const enough = async () => ((await this.tickets()) >= tickets ? true : undefined);
    await eventually(enough, { what: `${tickets} tickets to be in Redis`, withinMs: 20_000 });
  }

  /** Ends it for good. */
  async remove(): Promise<void> {
    await this.kill();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
