import { randomUUID } from 'node:crypto';
import type { Redis } from 'ioredis';
import { hashTagged } from '../../queues/names.ts';
import { sealTicket, type Ticket, type TicketRun } from '../../queues/ticket.ts';
import { readKeyList } from '../../src/kernel/key-list.ts';
import { Keyring } from '../../src/kernel/keyring.ts';
import type { TestDatabase } from './database.ts';

/** The keys that a fleet without configured ones has made. */
export async function fleetKeys(database: TestDatabase): Promise<Keyring> {
  const [row] = await database.admin<{ value: string }>('select value from public.fleet_secrets');
  return new Keyring(readKeyList(row?.value ?? ''));
}

/** A run as a ticket carries it. */
export function ticketRun(tenant: string, more: Partial<TicketRun> = {}): TicketRun {
  return { tenant, run: randomUUID(), attempt: 0, worker: 'decay', epoch: 0, payload: null, ...more };
}

/** A ticket as a dispatcher makes it. */
export function ticketOf(keys: Keyring, queue: string, runs: readonly TicketRun[], exp = Date.now() + 60_000): Ticket {
  return sealTicket({ queue, exp, runs }, keys);
}

/** The key of something that BullMQ keeps of a queue. */
export function queueKey(queue: string, name: string | Buffer): string | Buffer {
  const prefix = `bull:${hashTagged(queue)}:`;
  return typeof name === 'string' ? prefix + name : Buffer.concat([Buffer.from(prefix), name]);
}

/** An entry as somebody writes it by hand. */
export interface RawEntry {
  readonly queue: string;
  readonly id?: string | Buffer;
  /** Fields of its hash; undefined = there is no hash. */
  readonly fields?: Readonly<Record<string, string>> | undefined;
}

/** Puts entries at the front of their queues in one go, past BullMQ's own code. */
export async function putByHand(redis: Redis, entries: readonly RawEntry[]): Promise<void> {
  const pipeline = redis.pipeline();
  for (const { queue, id = randomUUID(), fields } of entries) {
    if (fields !== undefined) pipeline.hset(queueKey(queue, id), fields);
    pipeline.rpush(queueKey(queue, 'wait'), id);
    pipeline.zadd(queueKey(queue, 'marker'), 0, '0');
  }
  const failed = (await pipeline.exec())?.find(([error]) => error !== null);
  if (failed?.[0] != null) throw failed[0];
}

/** How many entries wait in a queue or are worked on. */
export async function entriesOf(redis: Redis, queue: string): Promise<number> {
  const [waiting, active] = await Promise.all(['wait', 'active'].map((name) => redis.llen(queueKey(queue, name))));
  return (waiting ?? 0) + (active ?? 0);
}
