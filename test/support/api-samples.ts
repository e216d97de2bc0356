import { randomUUID } from 'node:crypto';
import type { TestApi, TestRequest } from './api.ts';

/** Things of a tenant that requests are about. */
export interface Belongings {
  readonly run_id: string;
  readonly trigger_id: string;
  readonly key_id: string;
  readonly member_id: string;
  readonly message_id: string;
  readonly tenant_id: string;
}

const RULE = {
  rule_name: 'sample',
  event_types: ['drift_detected'],
  condition_group: { operator: 'AND', conditions: [{ field: 'payload.score', operator: 'greater_than', value: 0.5 }] },
  actions: [{ action_type: 'emit_event', config: { event_type: 'custom.sampled', payload: {} } }],
};

/** A right request for every route; a new route needs one here. */
export const SAMPLES: Readonly<Record<string, Omit<TestRequest, 'key'> & { readonly query?: string }>> = {
  'POST /v1/runs': { body: { worker: 'decay' } },
  'POST /v1/runs:batch': { body: { runs: [{ worker: 'decay' }] } },
  'GET /v1/runs': {},
  'GET /v1/runs/{run_id}': {},
  'GET /v1/runs/{run_id}/why': {},
  'POST /v1/runs/{run_id}:cancel': {},
  'POST /v1/runs/{run_id}:retry': {},
  'GET /v1/policies/{worker}': {},
  'PUT /v1/policies/{worker}': { body: {}, headers: { 'if-match': '*' } },
  'GET /v1/budget': {},
  'PUT /v1/budget': { body: { monthly_limit_usd: '500' } },
  'DELETE /v1/budget': {},
  'GET /v1/budget/check': { query: '?estimate_usd=0.05' },
  'POST /v1/costs': { body: { model: 'gpt-4o', provider: 'openai', operation: 'query', total_cost_usd: '0.003450' } },
  'POST /v1/events': { body: { event_type: 'drift_detected', payload: { score: 0.7 } } },
  'GET /v1/usage': {},
  'GET /v1/metrics': {},
  'GET /v1/rules': {},
  'GET /v1/rules/{trigger_id}': {},
  'POST /v1/rules': { body: RULE },
  'DELETE /v1/rules/{trigger_id}': {},
  'GET /v1/rules/{trigger_id}/executions': {},
  'POST /v1/rules:test': { body: { rule: RULE, event: { event_type: 'drift_detected', payload: { score: 0.7 } } } },
  'POST /v1/rules:backtest': { body: { rule: RULE } },
  'GET /v1/messages': {},
  'POST /v1/messages/{message_id}:retry': {},
  'POST /v1/messages:retry': {},
  'GET /v1/secrets': {},
  'PUT /v1/secrets/{name}': { body: { value: 'sample' } },
  'GET /v1/keys': {},
  'POST /v1/keys': { body: { name: 'sample', role: 'tenant_viewer' } },
  'DELETE /v1/keys/{key_id}': {},
  'GET /v1/members': {},
  'POST /v1/members': { body: { email: 'sample@acme.example', role: 'tenant_viewer' } },
  'PUT /v1/members/{member_id}': { body: { role: 'tenant_user' } },
  'DELETE /v1/members/{member_id}': {},
  'GET /v1/audit': {},
  'GET /v1/audit/verify': {},
  'GET /v1/audit/head': {},
  'POST /v1/tenants': { body: { name: 'Sample' } },
  'GET /v1/tenants': {},
  'GET /v1/tenants/{tenant_id}': {},
  'POST /v1/tenants/{tenant_id}:suspend': {},
  'POST /v1/tenants/{tenant_id}:resume': {},
  'PUT /v1/tenants/{tenant_id}/plan': { body: { plan: 'pro' } },
  'PUT /v1/tenants/{tenant_id}/placement': { body: { placement: 'by-plan' } },
  'PUT /v1/tenants/{tenant_id}/share': { body: { weight: 2 } },
  'GET /v1/tenants/{tenant_id}/quotas': {},
  'PUT /v1/tenants/{tenant_id}/quotas': { body: { max_backlog: 5_000 } },
  'GET /v1/queues': {},
  'GET /v1/cycles': {},
  'GET /v1/cycles/{worker}': { query: '?slot=2026-11-20T02:00:00Z' },
  'POST /v1/cycles': { body: { worker: 'decay', at: '2026-11-20T02:00:00Z' } },
  'POST /v1/cycles:backfill': { body: { worker: 'decay', from: '2026-11-20T00:00:00Z', to: '2026-11-20T23:00:00Z' } },
  'GET /v1/limits': {},
  'PUT /v1/limits': { body: { worker: 'decay', run_cap: 50 } },
  'GET /v1/prices': {},
  'POST /v1/prices': { body: { prices: [{ model: 'sample', input_per_million: '2.5', output_per_million: '10' }] } },
  'GET /v1/pauses': {},
  'POST /v1/pauses': { body: { worker: 'decay', reason: 'sample' } },
  'DELETE /v1/pauses/{pause_id}': {},
};

/** The sample of a route, about these things. @throws for a route without a sample */
export function sampleOf(
  endpoint: string,
  about: Belongings,
): { readonly what: string; readonly request: TestRequest } {
  const sample = SAMPLES[endpoint];
  if (sample === undefined) throw new Error(`the route ${endpoint} is new: add a request to api-samples.ts`);
  const { query = '', ...request } = sample;
  const path = endpoint.replace(/\{(\w+)\}/g, (_all, name) =>
    String({ worker: 'decay', name: 'sample', ...about }[name as 'worker']),
  );
  return { what: `${path}${query}`, request };
}

/** Makes a tenant some things that requests can be about. */
export async function belongingsOf(api: TestApi, { id, key }: { id: string; key: string }): Promise<Belongings> {
  const run = await api.ask('POST /v1/runs', { key, body: { worker: 'decay' } });
  const rule = await api.ask('POST /v1/rules', { key, body: { ...RULE, rule_name: `rule ${randomUUID()}` } });
  const viewer = await api.ask('POST /v1/keys', { key, body: { name: 'view', role: 'tenant_viewer' } });
  const email = `${randomUUID()}@acme.example`;
  const member = await api.ask('POST /v1/members', { key, body: { email, role: 'tenant_viewer' } });
  const ids = {
    ...{ run_id: run.body.run_id, trigger_id: rule.body.trigger_id, key_id: viewer.body.key_id, tenant_id: id },
    ...{ member_id: member.body.member_id, message_id: await api.message(id) },
  };
  if (Object.values(ids).some((one) => one === undefined))
    throw new Error(`not all was made: ${run.text} ${rule.text} ${viewer.text} ${member.text}`);
  return ids;
}
