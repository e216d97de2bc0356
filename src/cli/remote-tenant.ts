import type { KeyRecord } from '../access/key-book.ts';
import type { NewKey } from '../access/new-key.ts';
import type { AuditHead, AuditRecord, AuditVerdict } from '../audit/log.ts';
import { canonicalJson } from '../kernel/canonical-json.ts';
import { RaeError } from '../kernel/errors.ts';
import type { PolicyChange, PolicyExpectation, TenantPolicy } from '../tenant/policy-book.ts';
import { type PolicyPatch, patched } from '../tenant/policy-patch.ts';
import { queryOf, type Remote } from './remote.ts';

/** The keys of a tenant, over the API. */
export class RemoteKeys {
  readonly #remote: Remote;

  constructor(remote: Remote) {
    this.#remote = remote;
  }

  async create(_tenantId: string, { name, role, scopes, project, expiresAt }: NewKey) {
    const body = { name, role, scopes, project, expires_at: expiresAt?.toISOString() };
    type Made = { readonly key_id: string; readonly api_key: string };
    const made = await this.#remote.ask<Made>({ method: 'POST', path: '/v1/keys', body });
    return { keyId: made.key_id, text: made.api_key };
  }

  async list(_tenantId: string, revoked: boolean): Promise<readonly KeyRecord[]> {
    if (revoked) throw new RaeError('RAE_USAGE', 'over the API only keys that work are listed');
    return (await this.#remote.ask<{ readonly keys: readonly KeyRecord[] }>({ method: 'GET', path: '/v1/keys' })).keys;
  }

  async revoke(_tenantId: string, keyId: string): Promise<{ readonly changed: boolean }> {
    await this.#remote.ask({ method: 'DELETE', path: `/v1/keys/${encodeURIComponent(keyId)}` });
    return { changed: true };
  }
}

/** The audit log of a tenant, over the API. */
export class RemoteAudit {
  readonly #remote: Remote;

  constructor(remote: Remote) {
    this.#remote = remote;
  }

  async list(_tenantId: string, before: string | undefined, limit: number): Promise<readonly AuditRecord[]> {
    const place = JSON.stringify([this.#remote.tenantId, before]);
    const cursor = before === undefined ? undefined : Buffer.from(place).toString('base64url');
    return this.#remote.all<AuditRecord>('/v1/audit', 'entries', limit, cursor);
  }

  async verify(_tenantId: string, head?: string): Promise<AuditVerdict> {
    type Told = { readonly entries: number; readonly bad_seq: string | null; readonly why: string | null };
    const {
      entries,
      bad_seq: badSeq,
      why,
    } = await this.#remote.ask<Told>({
      method: 'GET',
      path: `/v1/audit/verify${queryOf({ head })}`,
    });
    return { entries, badSeq: badSeq ?? undefined, why: why ?? undefined };
  }

  async head(): Promise<AuditHead | undefined> {
    type Told = { readonly head: AuditHead | null };
    return (await this.#remote.ask<Told>({ method: 'GET', path: '/v1/audit/head' })).head ?? undefined;
  }
}

/** The policies of a tenant, over the API. */
export class RemotePolicies {
  readonly #remote: Remote;

  constructor(remote: Remote) {
    this.#remote = remote;
  }

  async get(_tenantId: string, worker: string): Promise<TenantPolicy> {
    const path = `/v1/policies/${encodeURIComponent(worker)}`;
    return policyOf(await this.#remote.ask<TenantPolicy>({ method: 'GET', path }));
  }

  async set(
    tenantId: string,
    worker: string,
    document: unknown,
    expected: PolicyExpectation = {},
  ): Promise<PolicyChange> {
    return this.#change(tenantId, worker, () => document as TenantPolicy['document'], expected);
  }

  async patch(
    tenantId: string,
    worker: string,
    patch: PolicyPatch,
    expected: PolicyExpectation = {},
  ): Promise<PolicyChange> {
    return this.#change(tenantId, worker, (before) => patched(before, patch), expected);
  }

  async #change(
    tenantId: string,
    worker: string,
    next: (before: TenantPolicy['document']) => TenantPolicy['document'],
    { expectVersion }: PolicyExpectation,
  ): Promise<PolicyChange> {
    const before = await this.get(tenantId, worker);
    const body = next(before.document);
    if (expectVersion === undefined && before.version > 0 && canonicalJson(body) === canonicalJson(before.document))
      return { policy: before, changed: false };
    // The version that was changed here, so that nothing set meanwhile is lost.
    const headers = { 'if-match': `"${expectVersion ?? before.version}"` };
    const path = `/v1/policies/${encodeURIComponent(worker)}`;
    const after = policyOf(await this.#remote.ask<TenantPolicy>({ method: 'PUT', path, body, headers }));
    return { policy: after, changed: after.version !== before.version };
  }
}

function policyOf({ version, document, effective, mistakes }: TenantPolicy): TenantPolicy {
  return { version, document, effective: effective ?? undefined, mistakes };
}
