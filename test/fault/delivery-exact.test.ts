import { randomBytes } from 'node:crypto';
import type { ServerResponse } from 'node:http';
import { Webhook } from 'standardwebhooks';
import { describe, expect, it } from 'vitest';
import { statement } from '../../src/db/statement.ts';
import { useDatabase } from '../support/database.ts';
import { MASTER_KEYS, secretsOf } from '../support/delivering.ts';
import { eventually } from '../support/eventually.ts';
import { ready, TestFleet } from '../support/fleet.ts';
import { OwnRedis } from '../support/own-redis.ts';
import { type TestProcess, useProcesses } from '../support/processes.ts';
import { seeded } from '../support/random.ts';
import { type Received, useReceiver } from '../support/receiver.ts';
import { addTenant } from '../support/tenants.ts';

const database = useDatabase();
const receiver = useReceiver();
useProcesses();
const random = seeded('delivery exact');
const TENANTS = 12;
const PER_WAVE = 60;
const KILLS = 6;
const FLUSHES = 2;
const SETTINGS = {
  delivery: {
    timeout_ms: 1_000,
    retry_base_ms: 50,
    retry_cap_ms: 400,
    breaker_base_ms: 50,
    breaker_cap_ms: 400,
    refused_base_ms: 50,
    per_endpoint: 4,
  },
};

interface Sender {
  readonly tenantId: string;
  readonly secret: string;
  readonly path: string;
}

const send = statement('send', "select public.rae_send_message($1, 'rule.fired', $2) as id");

/** Sends a message in a transaction of its own, which is committed or not. @returns its id. */
async function sent({ tenantId, path }: Sender, at: string, commits: boolean): Promise<string> {
  let id = '';
  const channel = { type: 'webhook', url: receiver().url(at), secret: 'hook' };
  const transaction = database()
    .tenants('rae_api')
    .inTenant(tenantId, async (tx) => {
      const [row] = await tx.rows<{ id: string }>(send, [JSON.stringify(channel), JSON.stringify({ path })]);
      id = row?.id ?? '';
      if (!commits) throw new Error('rolled back');
    });
  await transaction.catch((error: Error) => {
    if (error.message !== 'rolled back') throw error;
  });
  return id;
}

/** Answers as receivers do on a bad day. */
function moody(_request: Received, response: ServerResponse): void {
  const mood = random.below(10);
  if (mood === 0) response.writeHead(503).end();
  else if (mood === 1) response.socket?.destroy();
  else if (mood === 2) setTimeout(() => response.writeHead(200).end(), 300);
  else response.writeHead(200).end();
}

describe('delivery under faults', () => {
  it('brings every message that was committed and none that was not, signed, to its own receiver, though workers are killed while they send and Redis is emptied', async () => {
    const redis = new OwnRedis();
    await redis.start();
    const env = {
      RAE_SETTINGS: JSON.stringify(SETTINGS),
      RAE_MASTER_KEYS: MASTER_KEYS,
      RAE_WEBHOOK_ALLOW: '127.0.0.1',
      RAE_RETRY_BASE_MS: '50',
    };
    const fleet = new TestFleet({ database: database(), redisUrl: redis.url, env });
    const scheduler = fleet.scheduler();
    const workers: TestProcess[] = [fleet.worker(['delivery']), fleet.worker(['delivery'])];
    const senders: Sender[] = [];
    for (let at = 0; at < TENANTS; at += 1) {
      const tenantId = await addTenant(database());
      const secret = `whsec_${randomBytes(32).toString('base64')}`;
      await secretsOf(database()).set(tenantId, 'hook', secret);
      senders.push({ tenantId, secret, path: `/of/${at}` });
      receiver().answers(`/of/${at}`, moody);
    }
    // Of one tenant, a second endpoint that never answers.
    receiver().answers('/dead', () => undefined);
    await ready(scheduler, ...workers);

    const committed = new Map<string, Sender>();
    const undone: string[] = [];
    let kills = 0;
    let flushes = 0;
    while (kills < KILLS || flushes < FLUSHES) {
      const before = receiver().received.length;
      for (let n = 0; n < PER_WAVE; n += 1) {
        const sender = random.pick(senders);
        const commits = random.below(10) > 0;
        const id = await sent(sender, sender.path, commits);
        if (commits) committed.set(id, sender);
        else undone.push(id);
      }
      await sent(senders[0] as Sender, '/dead', true);
      await eventually(() => receiver().received.length > before || undefined, {
        what: 'messages to be on their way',
        withinMs: 60_000,
      });
      const at = random.below(workers.length);
      workers[at]?.kill('SIGKILL');
      kills += 1;
      if (kills % 3 === 0) {
        await redis.ask((client) => client.flushall());
        flushes += 1;
      }
      workers[at] = fleet.worker(['delivery']);
      await ready(workers[at] as TestProcess);
    }

    const open = async () => {
      const rows = await database().admin<{ state: string }>(
        `select state from public.messages where state <> 'delivered' and channel ->> 'url' not like '%/dead'`,
      );
      return rows.length === 0 ? true : undefined;
    };
    await eventually(open, { what: 'every message to be delivered', withinMs: 90_000 });
    const [cut] = await database().admin<{ runs: number }>(
      "select count(*)::int as runs from public.runs where worker = 'delivery' and lapses > 0",
    );
    expect(cut?.runs, 'runs that were cut in the middle').toBeGreaterThan(0);
    const arrived = receiver().received.filter(({ path }) => path !== '/dead');
    const ids = new Set(arrived.map(({ headers }) => headers['webhook-id'] ?? ''));
    expect(
      [...committed.keys()].filter((id) => !ids.has(id)),
      'none is missing',
    ).toEqual([]);
    expect(
      undone.filter((id) => ids.has(id)),
      'none of what was undone came',
    ).toEqual([]);
    expect(ids.size, 'nothing else came').toBe(committed.size);
    for (const { path, body, headers } of arrived) {
      const sender = committed.get(headers['webhook-id'] ?? '') as Sender;
      expect(path).toBe(sender.path);
      expect(new Webhook(sender.secret).verify(body, headers)).toMatchObject({
        tenant_id: sender.tenantId,
        data: { path: sender.path },
      });
    }
    const [dead] = await database().admin<{ state: string }>(
      "select distinct state from public.messages where channel ->> 'url' like '%/dead' and state in ('delivered', 'dead')",
    );
    expect(dead, 'what its receiver never answered is not called delivered').toBeUndefined();
    for (const worker of workers) worker.kill('SIGTERM');
    scheduler.kill('SIGTERM');
    await redis.remove();
  });
});
