import type { z } from 'zod';
import { type Author, enter, OPERATOR } from '../audit/log.ts';
import type { Queryable, Row } from '../db/database.ts';
import { loadStatements } from '../db/statement.ts';
import type { TenantContext } from '../db/tenant-context.ts';
import { canonicalJson } from '../kernel/canonical-json.ts';
import { RaeError } from '../kernel/errors.ts';
import { parseTenantId } from '../kernel/ids.ts';
import { nearest } from '../kernel/nearest.ts';
import { policyMistakes, unknownKeys } from './policy-mistakes.ts';
import { type PolicyPatch, patched } from './policy-patch.ts';
import type { TenantStatus } from './tenant.ts';

const sql = loadStatements(new URL('./policy-book.sql', import.meta.url), ['read', 'hold', 'add', 'replace']);

const MOST_BYTES = 64 * 1024;

type Document = Readonly<Record<string, unknown>>;

/** What the policy book knows of a worker. */
export interface PolicySchema {
  readonly schema: z.ZodType;
  /** Changes when the schema does: what was checked under another is checked again before it is used. */
  readonly fingerprint: string;
  /** The policy of a tenant that has set none. */
  readonly defaults: Document;
}

/** A tenant's policy for one worker. */
export interface TenantPolicy {
  /** What the tenant has set, and nothing else. */
  readonly document: Document;
  /** Counts the changes; 0 = the tenant has set none. */
  readonly version: number;
  /** The document with every default; undefined when what is stored does not fit the schema (any more). */
  readonly effective: Document | undefined;
  /** Why there is no effective policy. */
  readonly mistakes: readonly string[];
}

/** A policy after a change, and whether that changed anything. */
export interface PolicyChange {
  readonly policy: TenantPolicy;
  readonly changed: boolean;
}

interface StoredRow extends Row {
  readonly status: TenantStatus;
  readonly version: number | null;
  readonly document: Document | null;
  readonly effective: Document | null;
  readonly current: boolean | null;
}

/** Whoever sets a policy may say which version they have seen. */
export interface PolicyExpectation {
  /** Refuse when the stored version is another; 0 = none was stored. */
  readonly expectVersion?: number | undefined;
  /** Who sets it; default: an operator. */
  readonly author?: Author | undefined;
}

/**
 * What tenants tune about the workers. Nothing is stored that its worker's schema does not accept. Every method throws
 * `RAE_NOT_FOUND` for an unknown worker; those with a tenant `RAE_TENANT_ID_INVALID` and `RAE_TENANT_UNKNOWN`.
 */
export class PolicyBook {
  readonly #tenants: TenantContext;
  readonly #schemas: ReadonlyMap<string, PolicySchema>;

  constructor(tenants: TenantContext, schemas: ReadonlyMap<string, PolicySchema>) {
    this.#tenants = tenants;
    this.#schemas = schemas;
  }

  /**
   * The document with every default.
   * @throws RaeError `RAE_POLICY_INVALID` with every mistake: where, what was given, what was expected.
   */
  parse(worker: string, document: unknown): Document {
    const { schema } = this.#schema(worker);
    const mistakes = [...tooLarge(document), ...policyMistakes(schema, document)];
    if (mistakes.length > 0) throw invalid(worker, mistakes);
    return schema.parse(document) as Document;
  }

  /** The tenant's policy; the defaults where it has set none. */
  async get(tenantId: string, worker: string): Promise<TenantPolicy> {
    const schema = this.#schema(worker);
    const row = await this.#tenants.inTenant(parseTenantId(tenantId), (tx) => read(tx, tenantId, worker, schema));
    return policyOf(row, schema);
  }

  /**
   * Makes `document` the tenant's whole policy; fields it leaves out have their default. The same once more changes nothing.
   * @throws RaeError `RAE_POLICY_INVALID`, or `RAE_REFUSED`: another version than expected, a deleted tenant.
   */
  async set(
    tenantId: string,
    worker: string,
    document: unknown,
    expected: PolicyExpectation = {},
  ): Promise<PolicyChange> {
    this.parse(worker, document);
    return this.#change(tenantId, worker, () => document as Document, expected);
  }

  /** Changes single fields and leaves the rest. @throws RaeError as `set`, and for a field to unset that there is not. */
  async patch(
    tenantId: string,
    worker: string,
    patch: PolicyPatch,
    expected: PolicyExpectation = {},
  ): Promise<PolicyChange> {
    const named = patched({}, { set: patch.unset.map((path) => [path, null] as const), unset: [] });
    const mistakes = unknownKeys(this.#schema(worker).schema, named);
    if (mistakes.length > 0) throw invalid(worker, mistakes);
    return this.#change(tenantId, worker, (document) => patched(document, patch), expected);
  }

  async #change(
    tenantId: string,
    worker: string,
    next: (document: Document) => Document,
    { expectVersion, author = OPERATOR }: PolicyExpectation,
  ): Promise<PolicyChange> {
    const schema = this.#schema(worker);
    return this.#tenants.inTenant(parseTenantId(tenantId), async (tx) => {
      for (;;) {
        const [held] = await tx.rows(sql.hold, [tenantId, worker]);
        const row = await read(tx, tenantId, worker, schema);
        const before = policyOf(row, schema);
        if (row.status === 'deleted') throw new RaeError('RAE_REFUSED', `the tenant ${tenantId} is deleted`);
        if (expectVersion !== undefined && expectVersion !== before.version) {
          throw new RaeError('RAE_REFUSED', `the policy is at version ${before.version}, not ${expectVersion}`, {
            hint: 'somebody changed it meanwhile: read it again',
          });
        }
        const document = next(before.document);
        const effective = this.parse(worker, document);
        if (row.current === true && canonicalJson(document) === canonicalJson(before.document)) {
          return { policy: before, changed: false };
        }
        const values = [tenantId, worker, JSON.stringify(document), JSON.stringify(effective), schema.fingerprint];
        const statement = held === undefined ? sql.add : sql.replace;
        const [stored] = await tx.rows<{ version: number }>(statement, values);
        // Nothing stored: somebody else has added the first version meanwhile, which the next turn finds and holds.
        if (stored === undefined) continue;
        await enter(tx, author, 'policy.set', {
          worker,
          version: stored.version,
          before: before.document,
          after: document,
        });
        return { policy: { document, version: stored.version, effective, mistakes: [] }, changed: true };
      }
    });
  }

  #schema(worker: string): PolicySchema {
    const found = this.#schemas.get(worker);
    if (found !== undefined) return found;
    const near = nearest(worker, this.#schemas.keys());
    throw new RaeError('RAE_NOT_FOUND', `there is no worker "${worker}"`, {
      hint: near === undefined ? `there are: ${[...this.#schemas.keys()].join(', ')}` : `did you mean ${near}?`,
    });
  }
}

async function read(tx: Queryable, tenantId: string, worker: string, schema: PolicySchema): Promise<StoredRow> {
  const [row] = await tx.rows<StoredRow>(sql.read, [tenantId, worker, schema.fingerprint]);
  if (row !== undefined) return row;
  throw new RaeError('RAE_TENANT_UNKNOWN', `there is no tenant ${tenantId}`, {
    hint: 'see the tenants with: rae tenant list',
  });
}

function policyOf(
  { version, document, effective, current }: StoredRow,
  { schema, defaults }: PolicySchema,
): TenantPolicy {
  if (version === null || document === null) return { document: {}, version: 0, effective: defaults, mistakes: [] };
  if (current === true && effective !== null) return { document, version, effective, mistakes: [] };
  const mistakes = policyMistakes(schema, document);
  return {
    document,
    version,
    effective: mistakes.length > 0 ? undefined : (schema.parse(document) as Document),
    mistakes,
  };
}

function tooLarge(document: unknown): readonly string[] {
  const json = JSON.stringify(document) ?? '';
  if (Buffer.byteLength(json) > MOST_BYTES) return ['the whole is larger than 64 KiB'];
  return json.includes('\\u0000') ? ['the whole holds a NUL character, which cannot be stored'] : [];
}

function invalid(worker: string, mistakes: readonly string[]): RaeError {
  const count = mistakes.length === 1 ? 'a mistake' : `${mistakes.length} mistakes`;
  return new RaeError('RAE_POLICY_INVALID', `the policy for ${worker} has ${count}:\n  ${mistakes.join('\n  ')}`, {
    hint: `see the policy and its defaults with: rae policy get ${worker} --tenant ID`,
  });
}
