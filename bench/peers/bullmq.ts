// Plain BullMQ with the same tenant transaction in each of its entries and no ledger: what is done at least once, in order of arrival.
import { Queue, Worker } from 'bullmq';
import pg from 'pg';
import { redisConnection } from '../../src/redis/connection.ts';
import { DATABASE, REDIS, ready, task, tell } from './task.ts';

const QUEUE = 'bench';
/** Entries added with one call. */
const BULK = 1_000;

/** What it is to do: take entries and do them, or add them when told. */
interface Task {
  readonly does: 'work' | 'feed';
  /** The call of a database function that does the tenant transaction; $1 is the tenant, $2 the day or null. */
  readonly call: string;
}

const { does, call } = task<Task>();

function work(): void {
  const pool = new pg.Pool({ connectionString: DATABASE, max: 8 });
  let left = 0;
  const worker = new Worker<{ readonly tenant: string; readonly day: string | null }>(
    QUEUE,
    async ({ data }) => {
      await pool.query({ name: 'call', text: call, values: [data.tenant, data.day] });
      left -= 1;
      if (left === 0) tell({ done: true });
    },
    { connection: redisConnection(REDIS, 'consumer'), concurrency: 16, removeOnComplete: { count: 0 } },
  );
  void worker.waitUntilReady().then(() =>
    ready(({ expect }) => {
      left = Number(expect);
      tell({ expecting: true });
    }),
  );
}

function feed(): void {
  const queue = new Queue(QUEUE, { connection: redisConnection(REDIS, 'producer') });
  void queue.waitUntilReady().then(() =>
    ready(async (message) => {
      const tenants = message.tenants as readonly string[];
      const times = Number(message.times);
      for (let time = 0; time < times; time += 1) {
        for (let at = 0; at < tenants.length; at += BULK) {
          const some = tenants.slice(at, at + BULK);
          await queue.addBulk(some.map((tenant) => ({ name: 'run', data: { tenant, day: message.day ?? null } })));
        }
      }
    }),
  );
}

if (does === 'work') work();
else feed();
