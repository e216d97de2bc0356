import type { Redis } from 'ioredis';
import { z } from 'zod';
import { Consumption, EVERYTHING, faultsOfConsumption } from '../src/kernel/consumption.ts';
import { parseQueue } from './names.ts';
import { Script } from './script.ts';

/** A worker process as it announces itself. */
export interface ConsumerAnnouncement {
  readonly id: string;
  readonly workers: readonly string[];
  /** Runs (or tickets of statements) it works on at once. */
  readonly slots: number;
  /** Tickets of statements that it works on at once: no more than it has connections. */
  readonly steps: number;
  /** The queues it is attached to. */
  readonly queues: readonly string[];
  /** Which queues of its workers it takes, as `Consumption` reads it; default all. */
  readonly consumes?: string;
}

const KEY = 'rae:consumers';
const announced = z.object({
  workers: z.array(z.string()),
  slots: z.int().min(1),
  steps: z.int().min(1),
  queues: z.array(z.string()).default([]),
  consumes: z
    .string()
    .refine((text) => faultsOfConsumption(text).length === 0)
    .default(EVERYTHING)
    .transform((text) => new Consumption(text)),
});

// By the clock of Redis, so that hosts whose clocks differ count on each other all the same. Each entry is the time
// until which it holds, in ms, and what was announced. KEYS[1] the hash · ARGV id, announcement, for how many ms.
const NOW = `
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
if redis.call('TYPE', KEYS[1])['ok'] ~= 'hash' then redis.call('UNLINK', KEYS[1]) end
`;
const ANNOUNCE = new Script(`${NOW}
redis.call('HSET', KEYS[1], ARGV[1], string.format('%.0f %s', now + ARGV[3], ARGV[2]))
`);
const READ = new Script(`${NOW}
local entries, found = redis.call('HGETALL', KEYS[1]), {}
for at = 1, #entries, 2 do
  local till, text = string.match(entries[at + 1], '^(%d+) (.*)$')
  if till and tonumber(till) >= now then table.insert(found, text) else redis.call('HDEL', KEYS[1], entries[at]) end
end
return found
`);

/** Says that a process takes tickets for the next `forMs`. Said again before that, and withdrawn when it drains. */
export async function announceConsumer(redis: Redis, consumer: ConsumerAnnouncement, forMs: number): Promise<void> {
  const { id, workers, slots, steps, queues, consumes } = consumer;
  await ANNOUNCE.run(redis, [KEY], [id, JSON.stringify({ workers, slots, steps, queues, consumes }), forMs]);
}

/** Takes an announcement back. */
export async function withdrawConsumer(redis: Redis, id: string): Promise<void> {
  await redis.hdel(KEY, id);
}

/** What processes can do at once, all together. */
export type AnnouncedCapacity = Pick<ConsumerAnnouncement, 'slots' | 'steps'> & { readonly processes: number };

/** Processes of a worker that take the same queues, and what they can do at once, all together. */
export interface Takers extends AnnouncedCapacity {
  readonly worker: string;
  readonly consumes: Consumption;
}

type Process = z.infer<typeof announced>;

/** Who takes tickets of which worker, as the processes have announced themselves. */
export class Consumers {
  readonly #processes: readonly Process[];
  readonly #attached = new Map<string, number>();

  constructor(processes: readonly Process[]) {
    this.#processes = processes;
    for (const { queues, slots } of processes) {
      for (const queue of queues) this.#attached.set(queue, (this.#attached.get(queue) ?? 0) + slots);
    }
  }

  /** What the processes of each worker can do at once, all together; no entry for a worker without any. */
  get capacities(): ReadonlyMap<string, AnnouncedCapacity> {
    const capacities = new Map<string, AnnouncedCapacity>();
    for (const process of this.#processes) {
      for (const worker of process.workers) {
        const { slots = 0, steps = 0, processes = 0 } = capacities.get(worker) ?? {};
        const more = { slots: slots + process.slots, steps: steps + process.steps, processes: processes + 1 };
        capacities.set(worker, more);
      }
    }
    return capacities;
  }

  /** The same, apart for those that take other queues; in the order of workers and of what they take. */
  get takers(): readonly Takers[] {
    const takers = new Map<string, Takers>();
    for (const process of this.#processes) {
      for (const worker of process.workers) {
        const key = `${worker} ${process.consumes.text}`;
        const { slots = 0, steps = 0, processes = 0 } = takers.get(key) ?? {};
        const more = { slots: slots + process.slots, steps: steps + process.steps, processes: processes + 1 };
        takers.set(key, { worker, consumes: process.consumes, ...more });
      }
    }
    // Redis gives them in no order.
    return [...takers.keys()].sort().flatMap((key) => takers.get(key) ?? []);
  }

  /** How many processes take tickets of a queue, attached to it now or as soon as it has any. */
  takersOf(queue: string): number {
    return this.takers
      .filter(({ worker, consumes }) => parseQueue(queue)?.worker === worker && takesQueue(consumes, queue))
      .reduce((sum, { processes }) => sum + processes, 0);
  }

  /** Processes per worker; no entry for a worker without any. */
  get processes(): ReadonlyMap<string, number> {
    const counts = new Map<string, number>();
    for (const { workers } of this.#processes) {
      for (const worker of workers) counts.set(worker, (counts.get(worker) ?? 0) + 1);
    }
    return counts;
  }

  /**
   * Slots of the processes that are attached to a queue now. 0 = nobody consumes it: for a shared queue as long as no
   * process of its worker runs; for a dedicated one also before processes have learned that it has work (a moment) and
   * while they have more queues with work than they may hold (for some turns).
   */
  slotsAt(queue: string): number {
    return this.#attached.get(queue) ?? 0;
  }
}

/** Whether a process that takes the queue's worker takes its tickets. */
export function takesQueue(consumes: Consumption, queue: string): boolean {
  const name = parseQueue(queue);
  if (name === undefined) return false;
  return name.kind === 'shared' ? consumes.takesPartition(name.partition) : consumes.takesTenant(name.tenantId);
}

/** Who has announced itself; what has lapsed is forgotten, and what is no announcement is passed over. */
export async function readConsumers(redis: Redis): Promise<Consumers> {
  const texts = (await READ.run(redis, [KEY], [])) as string[];
  return new Consumers(
    texts.flatMap((text) => {
      const { success, data } = announced.safeParse(parseOrNull(text));
      return success ? [data] : [];
    }),
  );
}

function parseOrNull(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
