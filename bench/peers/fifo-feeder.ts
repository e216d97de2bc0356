// A dispatcher without fair order and caps: admits the oldest owed runs in order of arrival, by the same function, in the
// same tickets, to the same queues, and never more tickets at once than the fleet's own.
import { hearCompletions } from '../../queues/completions.ts';
import { sharedQueue } from '../../queues/names.ts';
import { partitionOf } from '../../queues/partition.ts';
import { TicketProducer } from '../../queues/producer.ts';
import { sealTicket, type TicketDraft, ticketExpiry } from '../../queues/ticket.ts';
import { Database } from '../../src/db/database.ts';
import { statement } from '../../src/db/statement.ts';
import { CostBook } from '../../src/dispatch/cost-book.ts';
import { DispatchLease } from '../../src/dispatch/lease.ts';
import { dispatchSql } from '../../src/dispatch/sql.ts';
import { TicketKeys } from '../../src/fleet/ticket-keys.ts';
import { systemClock } from '../../src/kernel/clock.ts';
import { redisConnection } from '../../src/redis/connection.ts';
import { DATABASE, REDIS, ready } from './task.ts';

const WORKER = 'touch';
const PARTITIONS = 2;
/** As the fleet's: eight connections and a quarter more. */
const TICKETS = 10;
const TICKET_MS = 20;
const MOST_RUNS = 128;

const clock = systemClock;
const database = new Database({
  url: DATABASE,
  applicationName: 'fifo',
  poolSize: 4,
  statementTimeoutMs: 60_000,
  prepared: true,
});
const lease = new DispatchLease(database, clock, 'main', `fifo:${process.pid}`);
const keys = new TicketKeys({ given: undefined, database, clock });
const producer = new TicketProducer(redisConnection(REDIS, 'producer'));
const costs = new CostBook(() => 0.2);
/** In order of arrival. */
const oldest = statement(
  'oldest',
  `select tenant_id from public.runs
  where finished_at is null and state = 'owed' and worker = '${WORKER}' order by created_at, ctid`,
);

let waiting: string[] = [];
let next = 0;
let pumping = false;
const ticketOf = new Map<string, { left: number }>();
let tickets = 0;

function completed(run: string, tenant: string, ms: number | null): void {
  const ticket = ticketOf.get(run);
  if (ticket === undefined) return;
  ticketOf.delete(run);
  costs.measured(tenant, WORKER, ms ?? 0);
  ticket.left -= 1;
  if (ticket.left > 0) return;
  tickets -= 1;
  void pump();
}

async function pump(): Promise<void> {
  if (pumping) return;
  pumping = true;
  let sending: Promise<unknown> = Promise.resolve();
  while (tickets < TICKETS && next < waiting.length) {
    const per = Math.max(
      4,
      Math.min(MOST_RUNS, Math.floor(TICKET_MS / Math.max(costs.aloneMs(WORKER, costs.lately(WORKER)), 0.05))),
    );
    const picked = waiting.slice(next, next + Math.min(500, (TICKETS - tickets) * per));
    next += picked.length;
    const sealed = await admitted(picked, per);
    sending = Promise.all([sending, producer.add(sealed)]);
  }
  await sending;
  pumping = false;
}

async function admitted(picked: readonly string[], per: number) {
  const want = new Map<string, number>();
  for (const tenant of picked) want.set(tenant, (want.get(tenant) ?? 0) + 1);
  const tenants = [...want.keys()];
  const rows = await database.rows<{ nth: number; run_id: string; attempt: number; payload: string | null }>(
    dispatchSql.admit,
    [
      lease.name,
      lease.holder,
      lease.epoch,
      lease.controls,
      30_000,
      tenants,
      tenants.map(() => WORKER),
      tenants.map(() => 0),
      [...want.values()],
      tenants.map(() => false),
    ],
  );
  const byQueue = new Map<string, TicketDraft['runs'][number][]>();
  for (const { nth, run_id: run, attempt, payload } of rows) {
    const tenant = tenants[nth - 1] ?? '';
    const queue = sharedQueue(WORKER, partitionOf(tenant, PARTITIONS));
    const runs = byQueue.get(queue) ?? [];
    byQueue.set(queue, runs);
    runs.push({ tenant, run, attempt, worker: WORKER, epoch: 0, payload });
  }
  const exp = ticketExpiry(clock.now().getTime(), 60_000);
  return [...byQueue].flatMap(([queue, runs]) => {
    const sealed = [];
    for (let at = 0; at < runs.length; at += per) {
      const some = runs.slice(at, at + per);
      const ticket = { left: some.length };
      for (const { run } of some) ticketOf.set(run, ticket);
      tickets += 1;
      sealed.push(sealTicket({ queue, exp, runs: some }, keys.ring));
    }
    return sealed;
  });
}

await keys.make();
while (!(await lease.renew())) await new Promise((resolve) => setTimeout(resolve, 100));
setInterval(() => void lease.renew(), 400);
const subscriber = redisConnection(REDIS, 'subscriber');
await hearCompletions(subscriber, keys, (completions) => {
  for (const { run, tenant, ms } of completions) completed(run, tenant, ms);
});
ready(() => {
  void database.rows<{ tenant_id: string }>(oldest).then((rows) => {
    waiting = rows.map(({ tenant_id: tenant }) => tenant);
    next = 0;
    return pump();
  });
});
