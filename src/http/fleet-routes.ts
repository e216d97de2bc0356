import { z } from 'zod';
import { type QueueDepth, queueList } from '../fleet/queue-list.ts';
import type { RunBook } from '../ledger/run-book.ts';
import { cursorOf, FLEET, PAGE, placeOf } from './page.ts';
import { operatorRoute, type Route } from './route.ts';

const COUNTS = z.record(z.string(), z.number());

/** Where the routes about the whole fleet take what they show from. */
export interface FleetBooks {
  readonly runs: RunBook;
  readonly workers: readonly string[];
  readonly partitions: number;
  /** What Redis says of a queue; undefined where the API does not know Redis. */
  readonly depth: ((queue: string) => Promise<QueueDepth | undefined>) | undefined;
}

/** Queues, as operators see them. */
export function fleetRoutes(books: FleetBooks): readonly Route[] {
  return [queues(books)];
}

const queues = ({ runs, workers, partitions, depth }: FleetBooks) =>
  operatorRoute({
    method: 'GET',
    path: '/v1/queues',
    does: 'Lists queues: owed and admitted runs by the ledger, why owed ones are held, tickets and consumers by Redis.',
    permission: 'fleet:read',
    query: z.strictObject(PAGE),
    status: 200,
    answer: z.object({
      queues: z.array(
        z.object({
          queue: z.string(),
          worker: z.string(),
          kind: z.enum(['shared', 'dedicated']),
          eligible: z.int(),
          held: COUNTS,
          queued: z.int(),
          running: z.int(),
          waiting: z.int().nullable(),
          active: z.int().nullable(),
          consumers: z.int().nullable(),
        }),
      ),
      next: z.string().nullable(),
    }),
    run: async ({ query: { limit, cursor } }) => {
      const [after = ''] = placeOf(FLEET, cursor, [z.string().regex(/^rae\.[a-z0-9.-]{1,200}$/)]);
      const all = [...(await queueList(runs, workers, partitions))].sort((a, b) => (a.queue < b.queue ? -1 : 1));
      const rest = all.filter(({ queue }) => queue > after);
      const page = rest.slice(0, limit);
      const nothing = { waiting: null, active: null, consumers: null };
      const rows = await Promise.all(page.map(async (one) => ({ ...one, ...((await depth?.(one.queue)) ?? nothing) })));
      const last = rest.length > limit ? page.at(-1) : undefined;
      return { body: { queues: rows, next: last === undefined ? null : cursorOf(FLEET, [last.queue]) } };
    },
  });
