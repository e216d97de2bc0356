import { loadStatements } from '../db/statement.ts';
import type { TenantContext } from '../db/tenant-context.ts';
import { RaeError } from '../kernel/errors.ts';

const sql = loadStatements(new URL('./event-book.sql', import.meta.url), ['emit']);

const MOST_BYTES = 64 * 1024;

/** Something that happened; its type has been found to be one. */
export interface NewEvent {
  readonly event_type: string;
  readonly payload: Readonly<Record<string, unknown>>;
  readonly project: string;
  readonly source: string;
  readonly correlation_id?: string | undefined;
  readonly user_id?: string | undefined;
  readonly session_id?: string | undefined;
  readonly tags: readonly string[];
}

/** The events of tenants, as API servers tell of them. Acts as `rae_api` inside the tenant. */
export class EventBook {
  readonly #tenants: TenantContext;

  constructor(tenants: TenantContext) {
    this.#tenants = tenants;
  }

  /** Records an event under an id; one that is there stays as it is. @throws RaeError `RAE_USAGE` for too large a payload. */
  async emit(tenantId: string, eventId: string, event: NewEvent): Promise<void> {
    // As Postgres counts it: a space behind every colon and comma.
    const bytes = Buffer.byteLength(JSON.stringify(event.payload, null, 1));
    if (bytes > MOST_BYTES)
      throw new RaeError('RAE_USAGE', `the payload is too large; at most ${MOST_BYTES} bytes`, {
        hint: 'store it as a row of your own and put its id into the payload',
      });
    await this.#tenants.inTenant(tenantId, (tx) => tx.rows(sql.emit, [tenantId, eventId, JSON.stringify(event)]));
  }
}
