import type { Redis } from 'ioredis';
import { z } from 'zod';
import { dedicatedQueue, parseQueue, sharedQueue } from './names.ts';
import { partitionOf } from './partition.ts';

/** Where a tenant's work waits. */
export interface Placement {
  readonly dedicated: boolean;
}

/** The queue of a tenant's runs of a worker. */
export function queueFor(worker: string, tenantId: string, placement: Placement, partitions: number): string {
  if (placement.dedicated) return dedicatedQueue(worker, tenantId);
  return sharedQueue(worker, partitionOf(tenantId, partitions));
}

/** What the dispatcher tells the worker processes: how many shared partitions there are, and which queues hold work besides. */
export interface Topology {
  readonly partitions: number;
  /** Dedicated queues, and partitions of an earlier number, that hold admitted work. */
  readonly extra: readonly string[];
}

const KEY = 'rae:topology';
const topologySchema = z.object({ partitions: z.int().min(1).max(256), extra: z.array(z.string()) });

/**
 * Writes the topology for the worker processes to follow. It lapses after `forMs`, so that what a restored Redis says
 * of an earlier time is followed for one beat at most.
 * @returns false when no earlier announcement was there: Redis was emptied, or nobody announced for `forMs`.
 */
export async function announceTopology(redis: Redis, topology: Topology, forMs: number): Promise<boolean> {
  const before = await redis.set(KEY, JSON.stringify(topology), 'PX', forMs, 'GET');
  return before !== null;
}

/** The topology announced last; undefined where none is, or it cannot be read. */
export async function readTopology(redis: Redis): Promise<Topology | undefined> {
  const text = await redis.get(KEY);
  if (text === null) return undefined;
  const parsed = topologySchema.safeParse(parseOrNull(text));
  return parsed.success ? parsed.data : undefined;
}

/** The queues that a process of these workers should be attached to. */
export function queuesToConsume(topology: Topology, workers: ReadonlySet<string>): readonly string[] {
  const shared = [...workers].flatMap((worker) =>
    Array.from({ length: topology.partitions }, (_, partition) => sharedQueue(worker, partition)),
  );
  const extra = topology.extra.filter((queue) => workers.has(parseQueue(queue)?.worker ?? ''));
  return [...new Set([...shared, ...extra])];
}

function parseOrNull(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
