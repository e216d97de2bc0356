import { TicketProducer } from '../../queues/producer.ts';
import { CostBook } from '../../src/dispatch/cost-book.ts';
import { Dispatcher } from '../../src/dispatch/dispatcher.ts';
import { HoldBook } from '../../src/dispatch/hold-book.ts';
import { DispatchLease } from '../../src/dispatch/lease.ts';
import { TicketSealer } from '../../src/dispatch/ticket-sealer.ts';
import { Windows } from '../../src/dispatch/windows.ts';
import { type Clock, systemClock } from '../../src/kernel/clock.ts';
import { Consumption } from '../../src/kernel/consumption.ts';
import { readKeyList } from '../../src/kernel/key-list.ts';
import { Keyring } from '../../src/kernel/keyring.ts';
import { Events } from '../../src/observe/events.ts';
import { type Redis, redisConnection } from '../../src/redis/connection.ts';
import type { ConnectAs, TestDatabase } from './database.ts';

const ring = new Keyring(readKeyList(`k1:${Buffer.alloc(32, 1).toString('base64')}`));

/** A dispatcher with all that is its own. */
export interface DispatchScene {
  readonly dispatcher: Dispatcher;
  readonly lease: DispatchLease;
  readonly events: Events;
  readonly holds: HoldBook;
  readonly costs: CostBook;
}

/** What is particular about it. */
export interface DispatchSceneOptions {
  readonly database: TestDatabase;
  readonly redisUrl: string;
  readonly clock?: Clock;
  readonly window?: number;
  readonly slots?: number;
  readonly as?: ConnectAs;
  /** Whether the worker decay is dispatched as one whose effect is a statement. */
  readonly shared?: boolean;
  /** Puts no tickets into Redis. */
  readonly silent?: boolean;
}

/** A dispatcher with its lease, all its own; `clock` is its idea of the time. */
export async function withDispatcher(
  options: DispatchSceneOptions,
  use: (scene: DispatchScene) => Promise<void>,
): Promise<void> {
  const {
    database,
    redisUrl,
    clock = systemClock,
    window = 200,
    slots = 100,
    as = 'rae_scheduler',
    shared = true,
    silent = false,
  } = options;
  const events = new Events();
  const redis: Redis = redisConnection(redisUrl, 'producer');
  await redis.connect();
  const producer = new TicketProducer(redis);
  const lease = new DispatchLease(database.open('rae_scheduler'), clock, 'main', `test ${Math.random()}`);
  const workers = [{ name: 'decay', shared }];
  const costs = new CostBook(() => 1);
  const windows = new Windows(costs, { window, reserve: 0.2 });
  windows.follow(
    [{ worker: 'decay', slots, steps: slots, processes: 1, consumes: new Consumption() }],
    clock.monotonicMs(),
  );
  const dispatcher = new Dispatcher({
    database: database.open(as),
    lease,
    producer: silent ? { add: async () => undefined } : producer,
    sealer: new TicketSealer({ keys: { ring }, clock: systemClock, lifeMs: 60_000 }),
    events,
    clock,
    windows,
    workers,
    costs,
    waitMs: 60_000,
    partitions: 1,
  });
  const holds = new HoldBook({ database: database.open('rae_scheduler'), clock, dispatcher, windows, workers });
  try {
    await use({ dispatcher, lease, events, holds, costs });
  } finally {
    await dispatcher.settled();
    await producer.close();
    redis.disconnect();
  }
}

/** Waits until the dispatcher knows the ledger and has admitted what it may. */
export async function dispatched(dispatcher: Dispatcher): Promise<void> {
  await dispatcher.takeOver();
  await dispatcher.settled();
}
