import type { Keyring } from '../src/kernel/keyring.ts';
import { parseQueue } from './names.ts';
import { signedText, TICKET_BYTES, TICKET_VERSION, type Ticket, ticketSchema } from './ticket.ts';

/** Why a ticket is not worked on: it is acknowledged, counted and put aside, and never comes near the database. */
export const TICKET_REFUSALS = Object.freeze([
  'oversized',
  'malformed',
  'version',
  'wrong_queue',
  'foreign_tenant',
  'unknown_key',
  'bad_signature',
] as const);
export type TicketRefusal = (typeof TICKET_REFUSALS)[number];

/** What came of looking at a ticket. Expired = genuine, but too old: its runs are to be handed back. */
export type OpenedTicket = { readonly ticket: Ticket; readonly expired: boolean } | { readonly refused: TicketRefusal };

/**
 * Reads and verifies what was found in `queue`. Anyone with access to Redis can put anything there, so that the checks
 * go from the cheapest to the dearest, and nothing of it is believed before the signature is.
 * @param text the JSON as it stood in Redis. A ticket has one spelling only: another one is malformed.
 */
export function openTicket(queue: string, text: string, keys: Keyring, nowMs: number): OpenedTicket {
  if (text.length > TICKET_BYTES || Buffer.byteLength(text) > TICKET_BYTES) return { refused: 'oversized' };
  const data = parsed(text);
  // Before its form: a ticket of another release has another form.
  if (isOfOtherVersion(data)) return { refused: 'version' };
  const { success, data: ticket } = ticketSchema.safeParse(data);
  if (!success || JSON.stringify(ticket) !== text) return { refused: 'malformed' };
  const name = parseQueue(queue);
  if (name === undefined || ticket.queue !== queue) return { refused: 'wrong_queue' };
  if (ticket.runs.some(({ worker }) => worker !== name.worker)) return { refused: 'wrong_queue' };
  if (name.kind === 'dedicated' && ticket.runs.some(({ tenant }) => tenant !== name.tenantId)) {
    return { refused: 'foreign_tenant' };
  }
  if (!keys.has(ticket.kid)) return { refused: 'unknown_key' };
  if (!keys.verifies(ticket.kid, signedText(ticket), ticket.mac)) return { refused: 'bad_signature' };
  return { ticket, expired: ticket.exp <= nowMs };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function isOfOtherVersion(data: unknown): boolean {
  if (typeof data !== 'object' || data === null || !Object.hasOwn(data, 'v') || !('v' in data)) return false;
  return Number.isInteger(data.v) && data.v !== TICKET_VERSION;
}
