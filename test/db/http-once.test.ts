import { expect, it } from 'vitest';
import { useApi } from '../support/api.ts';
import { useDatabase } from '../support/database.ts';

const database = useDatabase();
const api = useApi(database);
const once = (key: string) => ({ 'idempotency-key': key });

it('a request that is sent again with its key is served once, by tenant', async () => {
  const [a, b] = [await api().tenant(), await api().tenant()];
  const ask = (key: string, body: object) => api().ask('POST /v1/runs', { key, body, headers: once('k1') });
  const first = await ask(a.key, { worker: 'decay' });
  const again = await ask(a.key, { worker: 'decay' });
  expect(first.status).toBe(202);
  expect({ ...again, headers: {} }).toEqual({ ...first, headers: {} });
  expect(again.headers).toMatchObject({ location: first.headers.location, 'idempotency-replayed': 'true' });
  expect(await ask(a.key, { worker: 'decay', payload: { x: 1 } })).toMatchObject({
    status: 422,
    body: { code: 'RAE_KEY_REUSED' },
  });
  const other = await ask(b.key, { worker: 'decay' });
  expect(other.body.run_id).not.toBe(first.body.run_id);
  expect((await api().ask('GET /v1/runs', { key: a.key })).body.runs).toHaveLength(1);
});

it('of twenty at once one is served, and each other has its answer or is told to ask again', async () => {
  const { id, key } = await api().tenant();
  const body = { event_type: 'custom.hello' };
  const answers = await Promise.all(
    Array.from({ length: 20 }, () => api().ask('POST /v1/events', { key, body, headers: once('k') })),
  );
  const statuses = new Set(answers.map(({ status }) => status));
  expect([...statuses].every((status) => status === 202 || status === 409)).toBe(true);
  expect(statuses.has(202)).toBe(true);
  const events = await database().admin('select from public.events where tenant_id = $1', [id]);
  expect(events).toHaveLength(1);
});

it('what failed may be sent again, and what a server that crashed had done is done once', async () => {
  const { id, key } = await api().tenant();
  const bad = await api().ask('POST /v1/runs', { key, body: { worker: 'decya' }, headers: once('k') });
  expect(bad.status).toBe(400);
  const cost = { model: 'gpt-4o', provider: 'openai', operation: 'query', total_cost_usd: '0.003450' };
  const ask = () => api().ask('POST /v1/costs', { key, body: cost, headers: once('c') });
  const logged = await ask();
  expect(logged).toMatchObject({ status: 201, body: { total_cost_usd: '0.003450' } });
  // As a server leaves it that crashed after the cost was there.
  const crashed =
    "update public.api_requests set busy_until = now() - interval '1 s', answer = null where tenant_id = $1";
  await database().admin(crashed, [id]);
  expect((await ask()).body).toEqual(logged.body);
  expect(await database().admin('select from public.cost_logs where tenant_id = $1', [id])).toHaveLength(1);
});

it('a key that was made is shown once, also by an idempotency key', async () => {
  const { id, key } = await api().tenant();
  const ask = () => api().ask('POST /v1/keys', { key, body: { name: 'x', role: 'tenant_user' }, headers: once('k') });
  const { body } = await ask();
  expect(body.api_key).toMatch(/^rae_/);
  expect((await ask()).body).toEqual({ key_id: body.key_id, api_key: null });
  const rows = await database().admin<{ row: string }>(
    'select a::text as row from public.api_requests a where tenant_id = $1',
    [id],
  );
  expect(rows.map(({ row }) => row).join()).not.toContain(body.api_key.slice(-43));
});
