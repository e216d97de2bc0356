import { z } from 'zod';
import { RaeError } from '../src/kernel/errors.ts';
import { isUuid } from '../src/kernel/ids.ts';
import { isKeyId } from '../src/kernel/key-list.ts';
import type { Keyring } from '../src/kernel/keyring.ts';

/** A ticket as JSON is no larger than this, in bytes: what is larger is not even parsed. */
export const TICKET_BYTES = 65_536;
/** A ticket holds no more runs than this. */
const MOST_RUNS = 256;
/** The only version that is worked on. */
export const TICKET_VERSION = 2;

const uuid = z.string().refine(isUuid);
const count = z.int().min(0);

// Fields stand in the order of the alphabet, which makes a ticket that was read its own canonical JSON.
const runSchema = z.strictObject({
  /** What its claim must find. */
  attempt: count,
  /** The tenant's placement epoch when this was signed. */
  epoch: count,
  /** sha256 of the payload in hex; null = the ticket is not bound to one. */
  payload: z
    .string()
    .regex(/^[0-9a-f]{64}$/)
    .nullable(),
  run: uuid,
  tenant: uuid,
  worker: z.string().max(64),
});

/** What a BullMQ job carries: runs of one queue under a signature. No payloads. */
export const ticketSchema = z.strictObject({
  /** From when on it is not worked on any more, in ms since 1970. */
  exp: count,
  /** Which key signed it. */
  kid: z.string().refine(isKeyId),
  /** HMAC-SHA256 of the canonical JSON of everything else, in base64url. */
  mac: z.string().regex(/^[A-Za-z0-9_-]{43}$/),
  queue: z.string().max(128),
  runs: z.array(runSchema).min(1).max(MOST_RUNS),
  v: z.literal(TICKET_VERSION),
});

export type Ticket = z.infer<typeof ticketSchema>;
export type TicketRun = z.infer<typeof runSchema>;
/** A ticket before it is signed. */
export type TicketDraft = Readonly<Pick<Ticket, 'queue' | 'exp'>> & { readonly runs: readonly TicketRun[] };

/** What is signed of a ticket that was read or sealed: its canonical JSON without the signature. */
export function signedText({ exp, kid, queue, runs, v }: Ticket): string {
  return JSON.stringify({ exp, kid, queue, runs, v });
}

/**
 * When a ticket that is made now expires: after `lifeMs` at the earliest, in steps of half of that, so that the same
 * runs sent again soon make the very same ticket, which a queue holds only once.
 */
export function ticketExpiry(nowMs: number, lifeMs: number): number {
  const step = Math.max(1, Math.floor(lifeMs / 2));
  return Math.ceil((nowMs + lifeMs) / step) * step;
}

/**
 * Signs a ticket with the newest key.
 * @throws RaeError `RAE_INTERNAL` for one that no consumer would take: without runs, of too many, or too large.
 */
export function sealTicket({ exp, queue, runs }: TicketDraft, keys: Keyring): Ticket {
  if (runs.length < 1 || runs.length > MOST_RUNS) {
    throw new RaeError('RAE_INTERNAL', `a ticket is malformed: it has ${runs.length} runs, not 1 to ${MOST_RUNS}`);
  }
  // In the order of the alphabet, whatever order they were made in: what is read again gives the same text.
  const ordered = runs.map(({ attempt, epoch, payload, run, tenant, worker }) => ({
    attempt,
    epoch,
    payload,
    run,
    tenant,
    worker,
  }));
  const ticket = { exp, kid: keys.newest, mac: '', queue, runs: ordered, v: TICKET_VERSION } as const;
  const text = signedText(ticket);
  if (text.length > TICKET_BYTES - 64) {
    throw new RaeError('RAE_INTERNAL', `a ticket of ${runs.length} runs has more than ${TICKET_BYTES} bytes`);
  }
  return { ...ticket, mac: keys.mac(ticket.kid, text) };
}
