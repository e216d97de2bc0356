import { z } from 'zod';

/** Where a message is to go. */
export const channel = z.discriminatedUnion('type', [
  z.object({ type: z.literal('webhook'), url: z.string(), secret: z.string().optional() }),
  z.object({ type: z.literal('email'), to: z.array(z.string()).min(1), subject: z.string().optional() }),
]);

export type Channel = z.output<typeof channel>;
export type WebhookChannel = Extract<Channel, { readonly type: 'webhook' }>;
export type MailChannel = Extract<Channel, { readonly type: 'email' }>;

/** A message that is to be sent now, as the statement `take` gives it. */
export interface TakenMessage extends Record<string, unknown> {
  readonly message_id: string;
  readonly endpoint: string;
  readonly channel: unknown;
  readonly type: string;
  /** JSON as it is stored: read and written again, money would have gone through a float. */
  readonly data: string;
  /** This one included. */
  readonly attempts: number;
  readonly refusals: number;
  readonly created_at: Date;
  /** Since it was first to be sent. */
  readonly age_ms: number;
  /** What is known of its endpoint: failures in a row, and how often in a row it was not called for a while. */
  readonly failures: number;
  readonly openings: number;
}

/** What every message says of itself, whatever way it goes. */
export interface Envelope {
  readonly id: string;
  readonly type: string;
  /** When it was made, RFC 3339 in UTC. */
  readonly timestamp: string;
  readonly tenant_id: string;
  /** A JSON object, as text. */
  readonly data: string;
}

/** The envelope of a message: the same at every attempt. */
export function envelopeOf(tenantId: string, { message_id, type, created_at, data }: TakenMessage): Envelope {
  return { id: message_id, type, timestamp: created_at.toISOString(), tenant_id: tenantId, data };
}

/** An envelope as JSON, its data to the letter. */
export function bodyOf({ data, ...rest }: Envelope): string {
  return `${JSON.stringify(rest).slice(0, -1)},"data":${data}}`;
}
