// Asks for work as fast as answers come, eight requests in flight: of the fleet by SQL or HTTP, or of a peer.
import { Agent, request } from 'node:http';
import { Queue } from 'bullmq';
import { makeWorkerUtils } from 'graphile-worker';
import pg from 'pg';
import PgBoss from 'pg-boss';
import { redisConnection } from '../../src/redis/connection.ts';
import { DATABASE, REDIS, ready, task, tell } from './task.ts';

/** How work is asked for. */
export type AskedOf = 'rae-sql' | 'rae-http' | 'graphile' | 'pg-boss' | 'bullmq';

/** What it is to do. */
interface Task {
  readonly of: AskedOf;
  readonly tenant: string;
  /** Of the API. */
  readonly port: number;
  readonly key: string;
}

/** Asks for so many in one request. */
type Ask = (count: number) => Promise<unknown>;

const AT_ONCE = 8;
const WORKER = 'touch';
const { of, tenant, port, key } = task<Task>();

const many = <T>(count: number, one: (nth: number) => T): T[] =>
  Array.from({ length: count }, (_none, nth) => one(nth));

function ownSql(): Ask {
  const pool = new pg.Pool({ connectionString: DATABASE, max: AT_ONCE });
  const text = `select public.rae_enqueue($1, '{}'::jsonb) from generate_series(1, $2::int)`;
  // As an API server does it: within a transaction of its own, which has entered its tenant.
  return async (count) => {
    const client = await pool.connect();
    await client.query(`begin; select public.rae_enter_tenant('${tenant}')`);
    await client.query({ name: 'enqueue', text, values: [WORKER, count] });
    await client.query('commit');
    client.release();
  };
}

function ownHttp(): Ask {
  const agent = new Agent({ keepAlive: true, maxSockets: AT_ONCE });
  const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json' };
  const send = (path: string, body: object) =>
    new Promise<void>((resolve, reject) => {
      const sent = request({ agent, port, host: '127.0.0.1', method: 'POST', path, headers }, (response) => {
        response.resume();
        response.on('end', () =>
          response.statusCode === 202 ? resolve() : reject(new Error(`the API answers ${response.statusCode}`)),
        );
      });
      sent.on('error', reject);
      sent.end(JSON.stringify(body));
    });
  const run = { worker: WORKER };
  return (count) => (count === 1 ? send('/v1/runs', run) : send('/v1/runs:batch', { runs: many(count, () => run) }));
}

async function graphile(): Promise<Ask> {
  const utils = await makeWorkerUtils({ connectionString: DATABASE, maxPoolSize: AT_ONCE });
  await utils.migrate();
  return (count) =>
    count === 1 ? utils.addJob('begin', {}) : utils.addJobs(many(count, () => ({ identifier: 'begin', payload: {} })));
}

async function boss(): Promise<Ask> {
  const peer = new PgBoss({ connectionString: DATABASE, max: AT_ONCE, supervise: false, schedule: false });
  peer.on('error', (error) => {
    throw error;
  });
  await peer.start();
  await peer.createQueue('begin');
  return (count) =>
    count === 1 ? peer.send('begin', {}) : peer.insert(many(count, () => ({ name: 'begin', data: {} })));
}

async function bullmq(): Promise<Ask> {
  const queue = new Queue('bench-asked', { connection: redisConnection(REDIS, 'producer') });
  await queue.waitUntilReady();
  return (count) =>
    count === 1 ? queue.add('begin', {}) : queue.addBulk(many(count, () => ({ name: 'begin', data: {} })));
}

const WAYS = { 'rae-sql': ownSql, 'rae-http': ownHttp, graphile, 'pg-boss': boss, bullmq } as const;
const ask = await WAYS[of]();

/** Asks `requests` times for `count` each. */
async function asked(requests: number, count: number): Promise<void> {
  const took: number[] = [];
  let left = requests;
  const began = performance.now();
  const one = async () => {
    while (left > 0) {
      left -= 1;
      const before = performance.now();
      await ask(count);
      took.push(performance.now() - before);
    }
  };
  await Promise.all(many(AT_ONCE, one));
  tell({ seconds: (performance.now() - began) / 1_000, took });
}

ready(({ requests, count }) => void asked(Number(requests), Number(count)));
