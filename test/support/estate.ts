import { createHash } from 'node:crypto';
import type { TestDatabase } from './database.ts';
import { query } from './query.ts';

/** A memory as far as retention looks at it. */
export interface EstateMemory {
  readonly id: string;
  readonly layer: string | null;
  readonly created_at: Date;
  readonly expires_at: Date | null;
  readonly deleted_at: Date | null;
  readonly tags: readonly string[] | null;
  readonly project: string | null;
  readonly embeddings: number;
}

/** A node; a triple has its two ends besides. */
export interface EstateNode {
  readonly id: string;
  readonly project: string;
  readonly created_at: Date;
}

export interface EstateTriple extends EstateNode {
  readonly source: string;
  readonly target: string;
}

export interface EstateHold {
  readonly project: string | null;
  readonly memory_id: string | null;
  readonly released: boolean;
}

/** Everything that retention may remove of one tenant, and what keeps it. */
export interface Estate {
  readonly memories: readonly EstateMemory[];
  readonly nodes: readonly EstateNode[];
  readonly triples: readonly EstateTriple[];
  /** Which memory supports which node or triple. */
  readonly evidence: readonly (readonly [memory: string, subject: string])[];
  readonly costs: readonly { readonly id: string; readonly project: string; readonly at: Date }[];
  /** Instants of the entries of the audit log, in their order. */
  readonly audit: readonly Date[];
  readonly holds: readonly EstateHold[];
}

/** Stores all of it for the tenant. */
export async function storeEstate(database: TestDatabase, tenantId: string, estate: Estate): Promise<void> {
  const put = (text: string, rows: readonly unknown[]) => database.admin(text, [tenantId, JSON.stringify(rows)]);
  await put(
    `insert into public.memories (tenant_id, id, content, layer, created_at, expires_at, deleted_at, tags, project)
     select $1, id, 'text', layer, created_at, expires_at, deleted_at, tags, project from jsonb_to_recordset($2::jsonb)
       r (id uuid, layer text, created_at timestamptz, expires_at timestamptz, deleted_at timestamptz, tags text[], project text)`,
    estate.memories,
  );
  await put(
    `insert into public.memory_embeddings (tenant_id, memory_id, model_name, embedding, created_at)
     select $1, id, 'model ' || n, '{0.5,1}', created_at
       from jsonb_to_recordset($2::jsonb) r (id uuid, created_at timestamptz, embeddings int), generate_series(1, r.embeddings) n`,
    estate.memories,
  );
  await put(
    `insert into public.graph_nodes (tenant_id, id, project, node_id, created_at)
     select $1, id, project, id::text, created_at from jsonb_to_recordset($2::jsonb) r (id uuid, project text, created_at timestamptz)`,
    estate.nodes,
  );
  await put(
    `insert into public.graph_triples (tenant_id, id, project, source_node_id, target_node_id, relation, created_at)
     select $1, id, project, source, target, id::text, created_at
       from jsonb_to_recordset($2::jsonb) r (id uuid, project text, source uuid, target uuid, created_at timestamptz)`,
    estate.triples,
  );
  await put(
    `insert into public.graph_evidence (tenant_id, memory_id, node_id, triple_id)
     select $1, (r.value ->> 0)::uuid, n.id, t.id from jsonb_array_elements($2::jsonb) r
       left join public.graph_nodes n on n.tenant_id = $1 and n.id = (r.value ->> 1)::uuid
       left join public.graph_triples t on t.tenant_id = $1 and t.id = (r.value ->> 1)::uuid on conflict do nothing`,
    estate.evidence,
  );
  await put(
    `insert into public.cost_logs (tenant_id, id, project_id, model, provider, operation, total_cost_usd, "timestamp")
     select $1, id, project, 'm', 'ollama', 'query', 0.000001, at from jsonb_to_recordset($2::jsonb) r (id uuid, project text, at timestamptz)`,
    estate.costs,
  );
  await put(
    `insert into public.legal_holds (tenant_id, project, memory_id, reason, owner, released_at)
     select $1, project, memory_id, 'a case', 'legal', case when released then now() end
       from jsonb_to_recordset($2::jsonb) r (project text, memory_id uuid, released boolean)`,
    estate.holds,
  );
  for (const at of estate.audit) await appendAudit(database, tenantId, at);
}

/** Appends an entry as if it had been written at `at`. */
export async function appendAudit(database: TestDatabase, tenantId: string, at: Date): Promise<void> {
  await database.admin(
    `with head as (
       select coalesce(max(seq), 0) + 1 as seq, coalesce((select hash from public.audit_heads where tenant_id = $1), '') as previous
         from public.audit_heads where tenant_id = $1),
     entry as (
       insert into public.audit_log (tenant_id, seq, at, actor, action, detail, previous, hash)
       select $1, seq, $2, 'test', 'tested', '{}', previous, public.rae_audit_hash($1, seq, $2, 'test', 'tested', '{}', previous) from head
       returning seq, hash)
     insert into public.audit_heads (tenant_id, seq, at, hash) select $1, seq, $2, hash from entry
     on conflict (tenant_id) do update set seq = excluded.seq, at = excluded.at, hash = excluded.hash`,
    [tenantId, at],
  );
}

/** What is there of a tenant: ids by table, sorted, and the marks of memories in grace. */
export interface Remains {
  readonly memories: readonly string[];
  readonly marks: Readonly<Record<string, string>>;
  readonly embeddings: number;
  readonly nodes: readonly string[];
  readonly triples: readonly string[];
  readonly evidence: readonly string[];
  readonly costs: readonly string[];
  readonly audit: number;
}

/** Reads what is there now. */
export async function readRemains(database: TestDatabase, tenantId: string): Promise<Remains> {
  const ids = async (text: string) =>
    (await database.admin<{ id: string }>(text, [tenantId])).map(({ id }) => id).sort();
  const count = async (rows: string) =>
    (await database.admin<{ n: number }>(`select count(*)::int as n from public.${rows}`, [tenantId]))[0]?.n ?? -1;
  const marks = await database.admin<{ id: string; deleted_at: Date }>(
    'select id, deleted_at from public.memories where tenant_id = $1 and deleted_at is not null order by id',
    [tenantId],
  );
  return {
    memories: await ids('select id from public.memories where tenant_id = $1'),
    marks: Object.fromEntries(marks.map(({ id, deleted_at: at }) => [id, at.toISOString()])),
    embeddings: await count('memory_embeddings where tenant_id = $1'),
    nodes: await ids('select id from public.graph_nodes where tenant_id = $1'),
    triples: await ids('select id from public.graph_triples where tenant_id = $1'),
    evidence: await ids("select memory_id || ' ' || subject_id as id from public.graph_evidence where tenant_id = $1"),
    costs: await ids('select id from public.cost_logs where tenant_id = $1'),
    // What retention itself entered says what went; it is looked at by `wronglyEntered`.
    audit: await count("audit_log where tenant_id = $1 and action = 'tested'"),
  };
}

/** A certificate in the keys that the reference has. */
export interface CertificateRow {
  readonly class: string;
  readonly cutoff: string | null;
  readonly deleted: number;
  readonly oldest: string;
  readonly newest: string;
}

/** The certificates of a slot, by class, without what the reference does not know. */
export async function readCertificates(
  database: TestDatabase,
  tenantId: string,
  slot: Date,
): Promise<CertificateRow[]> {
  const rows = await database.admin<
    Record<'class' | 'deleted', string> & Record<'cutoff' | 'oldest' | 'newest', Date | null>
  >(
    'select class, cutoff, deleted, oldest, newest from public.deletion_certificates where tenant_id = $1 and slot = $2 order by class',
    [tenantId, slot],
  );
  const text = (at: Date | null) => at?.toISOString() ?? null;
  return rows.map((row) => ({
    class: row.class,
    cutoff: text(row.cutoff),
    deleted: Number(row.deleted),
    oldest: text(row.oldest) ?? '',
    newest: text(row.newest) ?? '',
  }));
}

/** The classes of the tenant's certificates whose hash is not what docs/retention.md says it is made of. */
export async function wronglyHashed(database: TestDatabase, tenantId: string): Promise<readonly string[]> {
  const rows = await database.admin<
    Record<'class' | 'deleted' | 'policy_fingerprint' | 'hash', string> & Record<string, Date | null>
  >('select * from public.deletion_certificates where tenant_id = $1', [tenantId]);
  const micros = (at: Date | null | undefined) => (at == null ? '' : String(BigInt(at.getTime()) * 1_000n));
  return rows
    .filter((row) => {
      const values = [tenantId, row.class, micros(row.slot), micros(row.cutoff), row.deleted];
      const lines = [...values, micros(row.oldest), micros(row.newest), row.policy_fingerprint].join('\n');
      return createHash('sha256').update(lines).digest('hex') !== row.hash;
    })
    .map((row) => row.class);
}

/** The classes and slots of the tenant's certificates that its audit log does not tell as they stand, each in one entry; and what is wrong with the log. */
export async function wronglyEntered(database: TestDatabase, tenantId: string): Promise<readonly unknown[]> {
  const certificates = await database.admin(
    `select c.class, c.slot, (select count(*)::int from public.audit_log a
              where a.tenant_id = c.tenant_id and a.action = 'retention.certified' and a.detail ->> 'hash' = c.hash) as entries
       from public.deletion_certificates c
      where c.tenant_id = $1 and not (
        select count(*) = 1 and bool_and(a.seq = c.audit_seq and a.actor = 'retention-purge'
               and a.detail = to_jsonb(c) - array['tenant_id', 'audit_seq'])
          from public.audit_log a where a.tenant_id = c.tenant_id and a.action = 'retention.certified' and a.detail ->> 'hash' = c.hash)`,
    [tenantId],
  );
  const chain = await database
    .tenants('rae_api')
    .inTenant(tenantId, (tx) =>
      tx.rows(query('select bad_seq, why from public.rae_audit_verify() where why is not null'), []),
    );
  return [...certificates, ...chain];
}
