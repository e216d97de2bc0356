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

/** A ticket in the one spelling that it has when it is sealed; the signature stands where none is in what was signed. */
const SEALED = /^(\{"exp":\d{1,16},"kid":"([a-z0-9_-]{1,16})",)"mac":"([A-Za-z0-9_-]{43})",("queue":.*)$/;

/**
 * Reads and verifies what was found in `queue`. Anyone with access to Redis can put anything there: nothing of it is
 * believed before the signature is. What is signed by the fleet itself is in the form that it was sealed in, and is not
 * read field by field again; of everything else the checks, from the cheapest to the dearest, say what is wrong with it.
 * @param text the JSON as it stood in Redis. A ticket has one spelling only: another one is malformed.
 */
export function openTicket(queue: string, text: string, keys: Keyring, nowMs: number): OpenedTicket {
  if (text.length > TICKET_BYTES || Buffer.byteLength(text) > TICKET_BYTES) return { refused: 'oversized' };
  const own = ofThisFleet(text, keys);
  if (own?.v === TICKET_VERSION && strangeness(own, queue) === undefined) {
    return { ticket: own, expired: own.exp <= nowMs };
  }
  const data = parsed(text);
  // Before its form: a ticket of another release has another form.
  if (isOfOtherVersion(data)) return { refused: 'version' };
  const { success, data: ticket } = ticketSchema.safeParse(data);
  if (!success || JSON.stringify(ticket) !== text) return { refused: 'malformed' };
  const strange = strangeness(ticket, queue);
  if (strange !== undefined) return { refused: strange };
  if (!keys.has(ticket.kid)) return { refused: 'unknown_key' };
  if (!keys.verifies(ticket.kid, signedText(ticket), ticket.mac)) return { refused: 'bad_signature' };
  return { ticket, expired: ticket.exp <= nowMs };
}

/** The ticket whose text, byte for byte, was signed with a known key; undefined for anything else. */
function ofThisFleet(text: string, keys: Keyring): Ticket | undefined {
  const [, head, kid, mac, rest] = SEALED.exec(text) ?? [];
  if (head === undefined || kid === undefined || mac === undefined || rest === undefined) return undefined;
  if (!keys.has(kid) || !keys.verifies(kid, head + rest, mac)) return undefined;
  return JSON.parse(text) as Ticket;
}

/** Why a ticket does not belong into `queue`, if it does not. */
function strangeness(ticket: Ticket, queue: string): TicketRefusal | undefined {
  const name = parseQueue(queue);
  if (name === undefined || ticket.queue !== queue) return 'wrong_queue';
  if (ticket.runs.some(({ worker }) => worker !== name.worker)) return 'wrong_queue';
  if (name.kind === 'dedicated' && ticket.runs.some(({ tenant }) => tenant !== name.tenantId)) return 'foreign_tenant';
  return undefined;
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
