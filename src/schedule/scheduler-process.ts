import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import { TicketProducer } from '../../queues/producer.ts';
import type { Database } from '../db/database.ts';
import { Listener } from '../db/listener.ts';
import { Attention } from '../dispatch/attention.ts';
import { CostBook } from '../dispatch/cost-book.ts';
import { Dispatcher } from '../dispatch/dispatcher.ts';
import { Displacement } from '../dispatch/displacement.ts';
import { HoldBook } from '../dispatch/hold-book.ts';
import { DispatchLease } from '../dispatch/lease.ts';
import { Noise } from '../dispatch/noise.ts';
import { QueueWatch } from '../dispatch/queue-watch.ts';
import { Scaling } from '../dispatch/scaling.ts';
import { TicketSealer } from '../dispatch/ticket-sealer.ts';
import { Windows } from '../dispatch/windows.ts';
import { openRedis, openShards, redisCheck, shardsCheck } from '../fleet/connections.ts';
import type { ProcessParts } from '../fleet/process-parts.ts';
import type { Service } from '../fleet/service.ts';
import { TicketKeys } from '../fleet/ticket-keys.ts';
import { LedgerStats } from '../ledger/stats.ts';
import { LedgerUpkeep } from '../ledger/upkeep.ts';
import type { Redis } from '../redis/connection.ts';
import { CycleCounts } from './cycle-counts.ts';
import { Hints } from './hints.ts';
import { Leadership } from './leadership.ts';
import { Planner } from './planner.ts';
import { SchedulerService } from './scheduler-service.ts';
import { Wakes } from './wakes.ts';

/** Connections of a scheduler: its loops, each at most one. */
const POOL = 12;
const SHARD = 'main';

/** Opens what a scheduler process needs and makes its service. @throws RaeError where something refuses it. */
export async function openScheduler(parts: ProcessParts): Promise<Service> {
  const { config, events } = parts;
  const shards = await openShards(parts, 'rae_scheduler', POOL);
  const redis = await openRedis(parts, ['producer', 'subscriber']).catch(async (error: unknown) => {
    await shards.close();
    throw error;
  });
  const producer = new TicketProducer(redis.producer);
  const keys = new TicketKeys({ given: config.envelopeKeys, database: shards.main, clock: parts.clock });
  const service = schedulerService(parts, shards.main, producer, keys, redis);
  const listener = new Listener({
    url: config.databaseDirectUrl ?? config.databaseUrl ?? '',
    applicationName: 'rae scheduler listen',
    channel: 'rae_owed',
    heard: (payload) => service.notified(payload),
    onDisconnect: (message) => events.emit('database.disconnected', { role: 'listener', message }),
  });
  return {
    start: async () => {
      await keys.make();
      await service.start();
      await listener.start();
    },
    drain: async () => {
      await listener.stop();
      await service.stop();
    },
    abort: () => undefined,
    close: async () => {
      await producer.close();
      redis.producer.disconnect();
      redis.subscriber.disconnect();
      await shards.close();
    },
    inFlight: 0,
    live: () => service.live,
    checks: { postgres: () => shardsCheck(shards), redis: () => redisCheck(redis.producer) },
  };
}

function schedulerService(
  parts: ProcessParts,
  database: Database,
  producer: TicketProducer,
  keys: TicketKeys,
  redis: Readonly<Record<'producer' | 'subscriber', Redis>>,
): SchedulerService {
  const { config, events, clock, catalogue } = parts;
  const holder = `${hostname()}:${process.pid}:${randomUUID().slice(0, 8)}`;
  const lease = new DispatchLease(database, clock, SHARD, holder);
  const attention = new Attention(lease, clock);
  const workers = catalogue.all.map(({ name, definition }) => ({ name, shared: definition.how.kind === 'statements' }));
  const costs = new CostBook((worker) => catalogue.get(worker).definition.when.estimateMs);
  const windows = new Windows(costs, { window: config.window, reserve: config.reserve });
  const noise = new Noise();
  const dispatcher = new Dispatcher({
    database,
    lease,
    producer,
    sealer: new TicketSealer({ keys, clock, lifeMs: 2 * config.leaseMs }),
    events,
    clock,
    workers,
    costs,
    windows,
    partitions: config.partitions,
    waitMs: config.leaseMs,
    onAdmitted: () => attention.active(),
    onLeft: (tenantId, ms) => noise.left(tenantId, ms, clock.monotonicMs()),
  });
  const { picture } = dispatcher;
  const one = { slots: config.concurrency, steps: config.pgPool };
  const scaling = new Scaling({
    picture,
    costs,
    windows,
    workers,
    one,
    targetMs: config.waitTargetMs,
  });
  const leadership = new Leadership({
    dispatcher,
    attention,
    holds: new HoldBook({ database, clock, dispatcher, windows, workers }),
    watch: new QueueWatch({ redis: redis.producer, dispatcher, events, clock, holder }),
    displacement: new Displacement({ database, picture, noise, windows, workers, clock, events }),
    noise,
    ...bookkeeping(parts, database),
    stats: new LedgerStats(database, events, clock, (demand) => scaling.wanted(demand)),
    events,
    clock,
    producerRedis: redis.producer,
    housekeepingMs: config.housekeepingMs,
    leads: () => lease.held,
  });
  const planner = new Planner({ database, catalogue, events, clock, chunk: config.fanoutChunk });
  const options = { shard: SHARD, database, lease, leadership, dispatcher, planner, keys, events, clock };
  return new SchedulerService({ ...options, subscriberRedis: redis.subscriber, partitions: config.partitions });
}

function bookkeeping({ config, events, clock, catalogue }: ProcessParts, database: Database) {
  return {
    hints: new Hints(database, catalogue, clock),
    wakes: new Wakes(database, catalogue),
    counts: new CycleCounts(database, events, clock),
    upkeep: new LedgerUpkeep(database, config.maxLapses, Math.floor(config.leaseMs / 2)),
  };
}
