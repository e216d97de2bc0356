import { type Author, enter, OPERATOR } from '../audit/log.ts';
import type { Row } from '../db/database.ts';
import { loadStatements } from '../db/statement.ts';
import type { TenantContext } from '../db/tenant-context.ts';
import { RaeError } from '../kernel/errors.ts';

const sql = loadStatements(new URL('./message-book.sql', import.meta.url), [
  'list',
  'page',
  'find',
  'retry',
  'call',
  'wake',
]);

/** Where a message may stand. */
export const MESSAGE_STATES = ['pending', 'sending', 'delivered', 'dead'] as const;
export type MessageState = (typeof MESSAGE_STATES)[number];

/** An outgoing message as its tenant sees it, without its data. */
export interface OutgoingMessage extends Row {
  readonly message_id: string;
  readonly type: string;
  /** Whom it is for: the host of a URL and what tells it from others of that host, or `email`. */
  readonly endpoint: string;
  readonly state: MessageState;
  readonly attempts: number;
  readonly created_at: Date;
  /** Null once it is delivered or dead. */
  readonly next_attempt_at: Date | null;
  readonly ended_at: Date | null;
  readonly last_error: string | null;
  /** Why it is dead. */
  readonly reason: string | null;
}

/** Which messages to give. */
export interface MessagePage {
  readonly state?: MessageState | undefined;
  readonly before?: Date | undefined;
  readonly limit: number;
}

/** Which page of the messages to give. */
export interface MessagesBehind {
  readonly state?: MessageState | undefined;
  /** Behind the message that was made then and has this id. */
  readonly after?: readonly [made: string, messageId: string] | undefined;
  readonly limit: number;
}

const RETRY_BATCH = 1_000;

/** The outgoing messages of tenants: what became of them, and sending them again. Acts as `rae_api` inside the tenant. */
export class MessageBook {
  readonly #tenants: TenantContext;

  constructor(tenants: TenantContext) {
    this.#tenants = tenants;
  }

  /** The newest first. */
  async list(tenantId: string, { state, before, limit }: MessagePage): Promise<readonly OutgoingMessage[]> {
    const values = [tenantId, state ?? null, before ?? null, limit];
    return this.#tenants.inTenant(tenantId, (tx) => tx.rows<OutgoingMessage>(sql.list, values));
  }

  /** A page of them, the newest first, each with when it was made to the microsecond. */
  async page(tenantId: string, { state, after, limit }: MessagesBehind) {
    const values = [tenantId, state ?? null, ...(after ?? [null, null]), limit];
    type Found = OutgoingMessage & { readonly made: string };
    return this.#tenants.inTenant(tenantId, (tx) => tx.rows<Found>(sql.page, values));
  }

  /**
   * Has one message sent again that is dead, or now if it waits. Its endpoint is called again at once.
   * @throws RaeError `RAE_NOT_FOUND`, or `RAE_REFUSED` where it is delivered or on its way.
   */
  async retry(tenantId: string, messageId: string, author: Author = OPERATOR): Promise<void> {
    if ((await this.#retry(tenantId, messageId, author)) > 0) return;
    const [found] = await this.#tenants.inTenant(tenantId, (tx) =>
      tx.rows<{ state: MessageState }>(sql.find, [tenantId, messageId]),
    );
    if (found === undefined) {
      throw new RaeError('RAE_NOT_FOUND', `the tenant has no message ${messageId}`, {
        hint: `see them with: rae message list --tenant ${tenantId}`,
      });
    }
    const why = found.state === 'delivered' ? 'is delivered' : 'is on its way';
    throw new RaeError('RAE_REFUSED', `the message ${messageId} ${why}: there is nothing to try again`);
  }

  /** Has every dead message of the tenant sent again. @returns how many. */
  async retryDead(tenantId: string, author: Author = OPERATOR): Promise<number> {
    let all = 0;
    for (let retried = RETRY_BATCH; retried === RETRY_BATCH; all += retried) {
      retried = await this.#retry(tenantId, null, author);
    }
    return all;
  }

  async #retry(tenantId: string, messageId: string | null, author: Author): Promise<number> {
    return this.#tenants.inTenant(tenantId, async (tx) => {
      const rows = await tx.rows<{ message_id: string }>(sql.retry, [tenantId, messageId, RETRY_BATCH]);
      if (rows.length === 0) return 0;
      await tx.rows(sql.call, [tenantId, rows.map(({ message_id: id }) => id)]);
      await tx.rows(sql.wake, [tenantId]);
      await enter(tx, author, 'message.retried', { message_id: messageId, messages: rows.length });
      return rows.length;
    });
  }
}
