import { expect, it } from 'vitest';
import { onboard } from '../../src/access/onboarding.ts';
import { OPERATOR } from '../../src/audit/log.ts';
import { TenantRegistry } from '../../src/tenant/registry.ts';
import { useDatabase } from '../support/database.ts';
import { ready, TestFleet } from '../support/fleet.ts';
import { useProcesses } from '../support/processes.ts';
import { useRedis } from '../support/redis.ts';

const database = useDatabase();
const redisUrl = useRedis();
useProcesses('all');

it('the API serves a tenant, counts what it served, and ends in order when it is told to', async () => {
  const api = new TestFleet({ database: database(), redisUrl: redisUrl() }).api();
  await ready(api);
  const [served, metrics] = await Promise.all([
    api.event('port.opened', { purpose: 'the API' }),
    api.event('port.opened', { purpose: 'health and metrics' }),
  ]);
  const at = (path: string, port: unknown, init: RequestInit = {}) => fetch(`http://127.0.0.1:${port}${path}`, init);
  const registry = new TenantRegistry(database().open('rae_operator'));
  const { apiKey } = await onboard(registry, { name: 'Acme', plan: 'free' }, OPERATOR);
  const headers = { authorization: `Bearer ${apiKey}`, 'content-type': 'application/json' };
  const asked = await at('/v1/runs', served.port, { method: 'POST', headers, body: '{"worker":"decay"}' });
  expect(asked.status).toBe(202);
  expect((await at('/readyz', served.port)).status).toBe(200);
  const counts = await (await at('/metrics', metrics.port)).text();
  expect(counts).toMatch(/rae_api_requests_total\{endpoint="POST \/v1\/runs",tenant_id="[0-9a-f-]{36}"\} 1/);
  expect(counts).toContain('rae_api_answers_total{status="5xx"} 0');
  api.kill('SIGTERM');
  expect(await api.ended()).toEqual({ code: 0, signal: null });
  expect(api.logs.filter(({ level }) => level === 'error')).toEqual([]);
});
