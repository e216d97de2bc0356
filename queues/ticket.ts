import { z } from 'zod';
import { isUuid } from '../src/kernel/ids.ts';
import { parseQueue } from './names.ts';

const uuid = z.string().refine(isUuid);

/** What a BullMQ job carries: runs of one queue, each with the attempt that its claim must find. No payloads. */
export const ticketSchema = z.strictObject({
  v: z.literal(1),
  queue: z.string().max(120),
  runs: z
    .array(z.strictObject({ tenant: uuid, run: uuid, attempt: z.int().min(0) }))
    .min(1)
    .max(256),
});

export type Ticket = z.infer<typeof ticketSchema>;

/** Why a ticket is not worked on: it is acknowledged and counted, and never comes near the database. */
export type TicketRefusal = 'malformed' | 'wrong_queue' | 'foreign_tenant';

/**
 * Reads what was found in `queue`.
 * @returns the ticket, or why it is refused: not of the ticket's form, made for another queue, or carrying another
 *   tenant than the queue is dedicated to.
 */
export function openTicket(queue: string, data: unknown): Ticket | { readonly refused: TicketRefusal } {
  const parsed = ticketSchema.safeParse(data);
  if (!parsed.success) return { refused: 'malformed' };
  const ticket = parsed.data;
  const name = parseQueue(queue);
  if (ticket.queue !== queue || name === undefined) return { refused: 'wrong_queue' };
  if (name.kind === 'dedicated' && ticket.runs.some((run) => run.tenant !== name.tenantId)) {
    return { refused: 'foreign_tenant' };
  }
  return ticket;
}
