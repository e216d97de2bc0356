import { createHash } from 'node:crypto';
import { loadStatements } from '../db/statement.ts';
import type { TenantContext } from '../db/tenant-context.ts';
import { canonicalJson } from '../kernel/canonical-json.ts';
import { RaeError } from '../kernel/errors.ts';
import type { Reply } from './route.ts';

const sql = loadStatements(new URL('./answered-once.sql', import.meta.url), ['take', 'find', 'keep', 'forget']);

/** Longer than any request may take: who holds a key for longer has crashed. */
const BUSY_SECONDS = 60;

/** What a request asks for; two of the same key that differ in this are two requests. */
export interface RequestIdentity {
  readonly tenantId: string;
  readonly key: string;
  readonly method: string;
  readonly url: string;
  /** The credential's own project: it may change what is answered. */
  readonly project: string | undefined;
  readonly body: unknown;
}

/** The same request is served once and answered the same, however often it is sent: for 72 hours, by tenant and key. */
export class AnsweredOnce {
  readonly #tenants: TenantContext;

  constructor(tenants: TenantContext) {
    this.#tenants = tenants;
  }

  /**
   * The answer of `serve`, or the one that was given before. What fails is forgotten, and may be sent again.
   * @throws RaeError `RAE_USAGE` for a key that cannot be, `RAE_KEY_REUSED`, `RAE_IN_FLIGHT`; whatever `serve` throws.
   */
  async answer(request: RequestIdentity, status: number, serve: () => Promise<Reply>): Promise<Reply> {
    const { tenantId, key } = request;
    if (!/^[\x20-\x7e]{1,255}$/.test(key))
      throw new RaeError('RAE_USAGE', 'the Idempotency-Key is wrong; expected 1 to 255 printable ASCII characters');
    const fingerprint = fingerprintOf(request);
    const values = [tenantId, key, fingerprint, BUSY_SECONDS];
    const taken = await this.#tenants.inTenant(tenantId, (tx) => tx.rows(sql.take, values));
    if (taken.length === 0) return this.#before(tenantId, key, fingerprint);
    try {
      const reply = await serve();
      const { headers = {}, body, kept = body } = reply;
      const answer = [reply.status ?? status, JSON.stringify(headers), JSON.stringify(kept)];
      await this.#tenants.inTenant(tenantId, (tx) => tx.rows(sql.keep, [tenantId, key, ...answer]));
      return reply;
    } catch (error) {
      // Should this fail too, the key is free again when its time is over.
      await this.#tenants.inTenant(tenantId, (tx) => tx.rows(sql.forget, [tenantId, key])).catch(() => undefined);
      throw error;
    }
  }

  async #before(tenantId: string, key: string, fingerprint: Buffer): Promise<Reply> {
    type Found = {
      fingerprint: Buffer;
      busy: boolean;
      status: number;
      headers: Record<string, string>;
      answer: string;
    };
    const [found] = await this.#tenants.inTenant(tenantId, (tx) => tx.rows<Found>(sql.find, [tenantId, key]));
    if (found !== undefined && !found.fingerprint.equals(fingerprint))
      throw new RaeError('RAE_KEY_REUSED', 'the idempotency key was used for another request');
    // Not there any more: it has just failed, or its time was over.
    if (found === undefined || found.busy) throw new RaeError('RAE_IN_FLIGHT', 'a request of this key is being served');
    const headers = { ...found.headers, 'idempotency-replayed': 'true' };
    return { status: found.status, headers, body: found.answer };
  }
}

function fingerprintOf({ method, url, project, body }: RequestIdentity): Buffer {
  const asked = canonicalJson({ method, url, project: project ?? null, body: body ?? null });
  return createHash('sha256').update(asked).digest();
}
