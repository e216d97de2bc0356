import type { Redis } from 'ioredis';
import { z } from 'zod';
import { hearChannel } from './channel.ts';
import { dedicatedQueue, parseQueue, sharedQueue } from './names.ts';
import { partitionOf } from './partition.ts';

/** Where a tenant's work waits. */
export interface Placement {
  readonly dedicated: boolean;
  /** Apart from all others, in the partition that nobody hashes to. */
  readonly quarantined?: boolean | undefined;
}

/** The shared partition of tenants in quarantine: beyond the most partitions that there may be. */
const QUARANTINE = 256;

/** The queue of a tenant's runs of a worker. */
export function queueFor(worker: string, tenantId: string, placement: Placement, partitions: number): string {
  if (placement.dedicated) return dedicatedQueue(worker, tenantId);
  if (placement.quarantined === true) return sharedQueue(worker, QUARANTINE);
  return sharedQueue(worker, partitionOf(tenantId, partitions));
}

/** What the dispatcher tells the worker processes: how many shared partitions there are, and which queues hold work besides. */
export interface Topology {
  readonly partitions: number;
  /** Dedicated queues, and partitions of an earlier number, that hold admitted work. */
  readonly extra: readonly string[];
}

const KEY = 'rae:topology';
const WORK = 'rae:work';
const workSchema = z.array(z.string());
const topologySchema = z.object({ partitions: z.int().min(1).max(256), extra: z.array(z.string()) });

/**
 * Writes the topology for the worker processes to follow. It lapses after `forMs`, so that what a restored Redis says
 * of an earlier time is followed for one beat at most.
 */
export async function announceTopology(redis: Redis, topology: Topology, forMs: number): Promise<void> {
  await redis.set(KEY, JSON.stringify(topology), 'PX', forMs);
}

/** The topology announced last; undefined where none is, or it cannot be read. */
export async function readTopology(redis: Redis): Promise<Topology | undefined> {
  const text = await redis.get(KEY);
  if (text === null) return undefined;
  const parsed = topologySchema.safeParse(parseOrNull(text));
  return parsed.success ? parsed.data : undefined;
}

/** The shared queues of these workers, to which every process of theirs is attached. */
export function sharedQueues(topology: Topology, workers: ReadonlySet<string>): ReadonlySet<string> {
  const partitions = Array.from({ length: topology.partitions }, (_, partition) => partition);
  return new Set([...workers].flatMap((worker) => partitions.map((partition) => sharedQueue(worker, partition))));
}

/** Of some queues those of these workers. */
export function queuesOf(workers: ReadonlySet<string>, queues: readonly string[]): readonly string[] {
  return queues.filter((queue) => workers.has(parseQueue(queue)?.worker ?? ''));
}

/**
 * Says at once that queues have work to which no process may be attached yet. Only a hint that makes it quick: the
 * topology says it too.
 */
export async function announceWork(redis: Redis, queues: readonly string[]): Promise<void> {
  await redis.publish(WORK, JSON.stringify(queues));
}

/** Hears which queues have work, on a subscriber connection, until the returned function is called. */
export async function hearWork(redis: Redis, heard: (queues: readonly string[]) => void): Promise<() => Promise<void>> {
  return await hearChannel(redis, WORK, (message) => heard(workSchema.parse(JSON.parse(message))));
}

function parseOrNull(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
