import { randomUUID } from 'node:crypto';

/** A row of a table that any role with the right to insert may write: only columns that all such roles may give. */
export type Specimen = Readonly<Record<string, unknown>>;

interface TableSpecimen {
  /** A new row; of `tenantId` where the table has tenants. */
  readonly row: (tenantId: string) => Specimen;
  /** A column that whoever may update may write. */
  readonly updates: string;
  /** Narrows a statement to the rows of `row(tenantId)`; for tables without tenants all rows there are will do. */
  readonly perTenant: boolean;
}

/** Each call gives another instant, so that no two rows share a slot. */
let minutes = 0;
const instant = (): string => new Date(Date.UTC(2026, 0, 1) + 60_000 * minutes++).toISOString();
let numbers = 0;
const serial = (): number => {
  numbers += 1;
  return numbers;
};
const word = (): string => `s${randomUUID().replaceAll('-', '').slice(0, 12)}`;

const shared = (row: () => Specimen, updates: string): TableSpecimen => ({ row, updates, perTenant: false });
const tenants = (row: (tenantId: string) => Specimen, updates: string): TableSpecimen => ({
  row: (tenantId) => ({ tenant_id: tenantId, ...row(tenantId) }),
  updates,
  perTenant: true,
});

const costSums = (): Specimen => ({
  ...{ project: 'default', provider: 'ollama', model: word(), operation: 'query' },
  ...{ calls: 1, errors: 0, unknown_calls: 0, input_tokens: 0, output_tokens: 0 },
  ...{ cost_usd: 0, cache_hits: 0, tokens_saved: 0, saved_usd: 0 },
});

/** One example for each table, by name. */
export const SPECIMENS: Readonly<Record<string, TableSpecimen>> = {
  plans: shared(
    () => ({ plan: word(), weight: 1, run_cap: 1, dedicated: false, ledger_days: 1, deadline_seconds: 1 }),
    'run_cap',
  ),
  plan_quotas: shared(
    () => ({ plan: 'enterprise', quota: ['max_memories', 'max_storage_gb'][serial() % 2], value: 5 }),
    'value',
  ),
  plan_defaults: shared(() => ({ plan: 'pro', kind: 'policy', name: word(), document: '{}' }), 'document'),
  quotas: tenants(() => ({ quota: 'max_memories', value: 5 }), 'value'),
  memory_tallies: tenants(() => ({ memories: 1, bytes: 1 }), 'bytes'),
  memory_deltas: tenants(() => ({ memories: 1, bytes: 1 }), 'bytes'),
  shards: shared(() => ({ shard: word() }), 'created_at'),
  fleet_settings: shared(() => ({ name: word(), value: '1' }), 'value'),
  fleet_secrets: shared(() => ({ name: word(), value: word() }), 'value'),
  schema_migrations: shared(() => ({ version: 9_999, name: word(), checksum: 'x', breaking: false }), 'name'),
  cadences: shared(() => ({ worker: word(), cron: '0 2 * * *', time_zone: 'UTC', next_at: instant() }), 'next_at'),
  cycles: shared(() => ({ worker: 'decay', slot: instant(), origin: 'command' }), 'total'),
  leases: shared(() => ({ name: word(), holder: 'me', epoch: 1, expires_at: instant() }), 'controls'),
  flights: shared(() => ({ tenants: '{}', runs: '{}' }), 'runs'),
  queue_holds: shared(() => ({ queue: word(), worker: 'decay', reason: 'window', since: instant() }), 'value'),
  tenants: tenants(() => ({ name: word() }), 'updated_at'),
  projects: tenants(() => ({ name: word() }), 'name'),
  members: tenants(() => ({ email: `${word()}@b.c`, role: 'tenant_user' }), 'role'),
  api_keys: tenants(
    () => ({
      key_id: randomUUID().replaceAll('-', '').slice(0, 16),
      name: word(),
      role: 'tenant_user',
      digest: `\\x${'00'.repeat(32)}`,
      created_by: word(),
    }),
    'last_used_at',
  ),
  policies: tenants(() => ({ worker: word(), document: '{}' }), 'version'),
  tenant_cadences: tenants(() => ({ worker: word() }), 'idle'),
  due_hints: tenants(() => ({ kind: 'tenant' }), 'worker'),
  wakes: tenants(() => ({ worker: word() }), 'since'),
  arrivals: tenants(() => ({ worker: word() }), 'worker'),
  limits: tenants(() => ({ worker: word(), owner: word() }), 'next_at'),
  placement_rules: tenants(() => ({ kind: 'fallback', owner: word() }), 'owner'),
  displacements: tenants(() => ({ kind: 'fallback', why: word() }), 'why'),
  time_windows: tenants(
    () => ({ kind: 'blackout', hours: 'daily 01:00-02:00', time_zone: 'UTC', worker: word(), owner: word() }),
    'reason',
  ),
  pauses: tenants(() => ({ worker: word(), reason: word(), owner: word() }), 'lifted_at'),
  holds: tenants(() => ({ worker: word(), reason: 'cap', since: instant() }), 'value'),
  runs: tenants(() => ({ worker: 'decay', origin: 'request' }), 'reason'),
  workers: shared(() => ({ worker: word() }), 'registered_at'),
  enqueue_keys: tenants(
    () => ({ idempotency_key: word(), run_id: randomUUID(), worker: 'decay', payload_hash: '' }),
    'worker',
  ),
  api_requests: tenants(() => ({ idempotency_key: word(), fingerprint: `\\x${'00'.repeat(32)}` }), 'answer'),
  operator_keys: shared(
    () => ({
      key_id: randomUUID().replaceAll('-', '').slice(0, 16),
      name: word(),
      digest: `\\x${'00'.repeat(32)}`,
    }),
    'last_used_at',
  ),
  events: tenants(() => ({ event_type: 'custom.specimen' }), 'source'),
  messages: tenants(() => ({ channel: '{}', type: 'specimen' }), 'refusals'),
  message_endpoints: tenants(() => ({ endpoint: word() }), 'failures'),
  pending_events: tenants(() => ({ event_id: randomUUID() }), 'event_id'),
  event_consumers: tenants(() => ({}), 'last_number'),
  consumed_events: tenants(() => ({ number: serial(), event_id: randomUUID(), at: instant() }), 'consumed_at'),
  trigger_rules: tenants(() => ({ rule_name: word(), event_types: '{custom.a}' }), 'status'),
  trigger_tallies: tenants(() => ({ trigger_id: randomUUID() }), 'held_count'),
  trigger_executions: tenants(
    () => ({
      ...{
        number: serial(),
        trigger_id: randomUUID(),
        event_id: randomUUID(),
        event_type: 'custom.a',
        at: instant(),
      },
      ...{ outcome: 'fired', rule_name: word(), rule_version: 1 },
    }),
    'detail',
  ),
  cost_budgets: tenants(() => ({ project: word() }), 'monthly_limit_usd'),
  budget_notes: tenants(() => ({ project: word(), at: instant() }), 'at'),
  budget_alerts: tenants(
    () => ({
      ...{ budget_id: randomUUID(), meter: 'daily_usd', period: '2026-01-01', threshold: 1, limit_amount: 1 },
      ...{ period_from: instant(), period_to: instant(), spent: 1, reserved: 0, unknown_calls: 0 },
    }),
    'unsendable',
  ),
  budget_reservations: tenants(() => ({ project: word(), estimate_usd: 1, lapses_at: instant() }), 'settled_at'),
  budget_gates: tenants(() => ({}), 'turn'),
  llm_profiles: tenants(() => ({ default_model: word() }), 'enable_caching'),
  // Its tenant's id, so that what refers to a memory or a node finds one.
  memories: tenants((id) => ({ id, content: word(), content_hash: word() }), 'importance'),
  decay_marks: tenants(() => ({}), 'begun'),
  transfers: tenants(() => ({ fingerprint: randomUUID().replaceAll('-', '').repeat(2) }), 'lines'),
  memory_embeddings: tenants((tenantId) => ({ memory_id: tenantId, model_name: word(), embedding: '{1}' }), 'metadata'),
  graph_nodes: tenants((id) => ({ id, node_id: word() }), 'label'),
  graph_triples: tenants(
    (tenantId) => ({ source_node_id: tenantId, target_node_id: tenantId, relation: word() }),
    'properties',
  ),
  graph_evidence: tenants((tenantId) => ({ memory_id: tenantId, node_id: tenantId }), 'created_at'),
  graph_losses: tenants(() => ({ subject_id: randomUUID(), going: false }), 'going'),
  cost_logs: tenants(() => ({ model: word(), provider: 'ollama', operation: 'query' }), 'latency_ms'),
  cost_rollups_hourly: tenants(() => ({ hour: instant(), ...costSums() }), 'calls'),
  cost_rollups_daily: tenants(() => ({ day: instant(), ...costSums() }), 'calls'),
  cost_adjustments: tenants(() => ({ hour: instant(), ...costSums() }), 'calls'),
  cost_deltas: tenants(() => ({ hour: instant(), ...costSums() }), 'calls'),
  cost_unknowns: tenants(() => ({ calls: 1 }), 'calls'),
  model_prices: shared(() => ({ model: word(), input_per_million: 1, output_per_million: 1 }), 'input_per_million'),
  price_book: shared(() => ({ name: word(), version: 1 }), 'version'),
  legal_holds: tenants(() => ({ reason: word(), owner: word() }), 'released_at'),
  deletion_certificates: tenants(
    () => ({
      slot: instant(),
      oldest: instant(),
      newest: instant(),
      class: 'working',
      deleted: 1,
      policy_fingerprint: word(),
      hash: word(),
    }),
    'hash',
  ),
  retention_marks: tenants(
    () => ({ slot: instant(), policy_fingerprint: word(), phase: 1, after_at: instant(), after_id: randomUUID() }),
    'phase',
  ),
  audit_log: tenants(
    () => ({ seq: minutes++, at: instant(), actor: word(), action: word(), previous: '', hash: '' }),
    'actor',
  ),
  audit_heads: tenants(() => ({ seq: 1, at: instant(), hash: '' }), 'seq'),
  audit_checkpoints: tenants(() => ({ seq: 1, at: instant(), hash: '', key_id: word(), signature: '' }), 'seq'),
  tenant_data_keys: tenants(() => ({ master_key: word(), wrapped: '' }), 'master_key'),
  tenant_secrets: tenants(() => ({ name: word(), version: 1, sealed: '' }), 'valid_until'),
  audit_keys: shared(() => ({ key_id: word(), secret: word() }), 'secret'),
};
