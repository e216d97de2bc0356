import { describe, expect, it } from 'vitest';
import { useApi } from '../support/api.ts';
import { useDatabase } from '../support/database.ts';

const database = useDatabase();
const api = useApi(database);
const MISSING = '7d1f0c52-88c1-4a55-9a0e-6f6b1d1a2c3e';

describe('a run', () => {
  it('is asked for, found, listed page by page, explained and cancelled', async () => {
    const { key } = await api().tenant();
    const asked = await api().ask('POST /v1/runs', { key, body: { worker: 'decay' } });
    expect(asked).toMatchObject({ status: 202, body: { worker: 'decay' } });
    const { run_id: id } = asked.body;
    expect(asked.headers.location).toBe(`/v1/runs/${id}`);
    expect((await api().ask(`GET /v1/runs/${id}`, { key })).body).toMatchObject({ state: 'owed', payload: {} });
    expect((await api().ask(`GET /v1/runs/${id}/why`, { key })).body).toMatchObject({ state: 'owed' });
    await api().ask('POST /v1/runs', { key, body: { worker: 'decay' } });
    const first = await api().ask('GET /v1/runs?limit=1', { key });
    expect(first.body.runs).toHaveLength(1);
    const second = await api().ask(`GET /v1/runs?limit=1&cursor=${first.body.next}`, { key });
    expect(second.body).toMatchObject({ runs: [{ run_id: id }], next: null });
    const cancelled = await api().ask(`POST /v1/runs/${id}:cancel`, { key });
    expect(cancelled).toMatchObject({ status: 200, body: { state: 'skipped', reason: 'cancelled' } });
    expect(await api().ask(`POST /v1/runs/${id}:retry`, { key })).toMatchObject({ status: 409 });
    const { entries } = (await api().ask('GET /v1/audit', { key })).body;
    expect(entries).toContainEqual(expect.objectContaining({ action: 'run.cancelled' }));
  });

  it('of a batch has a result of its own', async () => {
    const { key } = await api().tenant();
    const runs = [
      { worker: 'decay', idempotency_key: 'a' },
      { worker: 'decya' },
      { worker: 'decay', payload: { x: 1 } },
    ];
    const { status, body } = await api().ask('POST /v1/runs:batch', { key, body: { runs } });
    expect({ status, body }).toMatchObject({
      status: 202,
      body: { results: [{ worker: 'decay' }, { problem: { code: 'RAE_USAGE', hint: 'did you mean decay?' } }, {}] },
    });
  });

  it('of somebody else is as absent as one that never was', async () => {
    const [mine, theirs] = [await api().tenant(), await api().tenant()];
    const { body } = await api().ask('POST /v1/runs', { key: theirs.key, body: { worker: 'decay' } });
    for (const way of ['GET /v1/runs/ID', 'GET /v1/runs/ID/why', 'POST /v1/runs/ID:cancel', 'POST /v1/runs/ID:retry']) {
      const [there, nowhere] = await Promise.all(
        [body.run_id, MISSING].map((id) => api().ask(way.replace('ID', id), { key: mine.key })),
      );
      expect(there?.status).toBe(404);
      const plain = (text: string | undefined, id: string) =>
        text?.replaceAll(id, 'ID').replace(/"request_id":"[^"]+"/, '');
      expect(plain(there?.text, body.run_id)).toBe(plain(nowhere?.text, MISSING));
    }
  });
});

describe('a policy', () => {
  it('is replaced only by whoever has seen its present version', async () => {
    const { key } = await api().tenant();
    const read = await api().ask('GET /v1/policies/decay', { key });
    expect(read.headers.etag).toBe('"0"');
    const body = { enabled: false };
    expect(await api().ask('PUT /v1/policies/decay', { key, body })).toMatchObject({ status: 428 });
    const match = { 'if-match': '"0"' };
    expect(await api().ask('PUT /v1/policies/decay', { key, body, headers: match })).toMatchObject({ status: 200 });
    expect(await api().ask('PUT /v1/policies/decay', { key, body: {}, headers: match })).toMatchObject({ status: 412 });
  });
});

describe('a request', () => {
  it('without a credential, with a wrong one, for another tenant, or beyond its role is refused', async () => {
    const [mine, theirs] = [await api().tenant(), await api().tenant()];
    expect(await api().ask('GET /v1/runs')).toMatchObject({ status: 401, body: { code: 'RAE_UNAUTHENTICATED' } });
    expect(await api().ask('GET /v1/runs', { key: `${mine.key}x` })).toMatchObject({ status: 401 });
    const headers = { 'x-tenant-id': theirs.id };
    expect(await api().ask('GET /v1/runs', { key: mine.key, headers })).toMatchObject({ status: 403 });
    const { body } = await api().ask('GET /v1/audit', { key: mine.key });
    expect(body.entries[0]).toMatchObject({ action: 'access.refused', detail: { named: theirs.id } });
    const made = await api().ask('POST /v1/keys', { key: mine.key, body: { name: 'view', role: 'tenant_viewer' } });
    expect(made.status).toBe(201);
    const viewer = { key: made.body.api_key, body: { worker: 'decay' } };
    expect(await api().ask('POST /v1/runs', viewer)).toMatchObject({ status: 403, body: { code: 'RAE_FORBIDDEN' } });
  });

  it('by a method that its path has not is told which there are, whoever asks', async () => {
    const wrong = [
      'PATCH /v1/budget',
      'GET /v1/runs/x:cancel',
      'HEAD /v1/runs?limit=1',
      'POST /readyz',
      'PUT /v1/keys',
    ];
    const answers = await Promise.all(wrong.map((what) => api().ask(what, { body: '{', headers: { a: what } })));
    expect(answers.map(({ status, headers }) => [status, headers.allow])).toEqual(
      ['DELETE, GET, PUT', 'POST', 'GET, POST', 'GET, HEAD', 'GET, POST'].map((allow) => [405, allow]),
    );
    expect(answers[0]).toMatchObject({
      body: { code: 'RAE_METHOD_NOT_ALLOWED', status: 405, hint: expect.any(String) },
    });
    for (const what of ['PATCH /v1/budgets', 'GET /v1/runs/a/b', 'GET /', 'POST /v1/runs/a/why/'])
      expect(await api().ask(what, { body: '{' })).toMatchObject({ status: 404, body: { code: 'RAE_NOT_FOUND' } });
  });

  it('is described, counted, and answered with its id', async () => {
    const { key, id } = await api().tenant();
    const answered = api().events.on('request.answered', (event) => seen.push(event));
    const seen: object[] = [];
    const { headers, body } = await api().ask('GET /v1/keys', { key, headers: { 'x-request-id': 'abc-1' } });
    answered();
    expect(headers['x-request-id']).toBe('abc-1');
    expect(body.keys).toHaveLength(1);
    expect(seen).toMatchObject([{ endpoint: 'GET /v1/keys', status: 200, tenantId: id, requestId: 'abc-1' }]);
    expect((await api().ask('GET /openapi.json')).body.paths['/v1/runs/{run_id}:cancel']).toBeDefined();
    const zipped = await api().ask('GET /openapi.json', { headers: { 'accept-encoding': 'gzip' } });
    expect(zipped.headers['content-encoding']).toBe('gzip');
  });
});

describe('what a tenant has', () => {
  it('is shown by quota, with how much of it is used and left; a key of one project sees none', async () => {
    const { key } = await api().tenant();
    await api().ask('POST /v1/runs', { key, body: { worker: 'decay' } });
    const { quotas } = (await api().ask('GET /v1/usage', { key })).body;
    const named = Object.fromEntries(quotas.map(({ quota, ...rest }: { quota: string }) => [quota, rest]));
    expect(named.max_backlog).toMatchObject({ used: 1, by: 'plan', remaining: named.max_backlog.limit - 1 });
    expect(named.max_api_calls_per_minute).toMatchObject({
      used: 2,
      remaining: named.max_api_calls_per_minute.limit - 2,
    });
    const body = { name: 'one', role: 'tenant_viewer', project: 'atlas' };
    const { api_key: narrow } = (await api().ask('POST /v1/keys', { key, body })).body;
    expect((await api().ask('GET /v1/usage', { key: narrow })).body).toMatchObject({ project: 'atlas', quotas: [] });
  });

  it('in budgets is taken away once, and its log is verified', async () => {
    const { id, key } = await api().tenant();
    await api().ask('PUT /v1/budget?project=atlas', { key, body: { daily_limit_usd: '5' } });
    expect(await api().ask('DELETE /v1/budget?project=atlas', { key })).toMatchObject({ body: { removed: true } });
    expect(await api().ask('DELETE /v1/budget?project=atlas', { key })).toMatchObject({ status: 404 });
    expect((await api().ask('GET /v1/audit/verify', { key })).body).toMatchObject({ ok: true, bad_seq: null });
    await database().admin("update public.audit_log set actor = 'x' where tenant_id = $1 and seq = 2", [id]);
    expect((await api().ask('GET /v1/audit/verify', { key })).body).toMatchObject({ ok: false, bad_seq: '2' });
  });
});

describe('the quota on calls', () => {
  it('is said in every answer, and ends with 429 and when to come back', async () => {
    const { id, key } = await api().tenant();
    await database().admin(
      "insert into public.quotas (tenant_id, quota, value) values ($1, 'max_api_calls_per_minute', 2)",
      [id],
    );
    const answers = [];
    for (let call = 0; call < 3; call += 1) answers.push(await api().ask('GET /v1/runs', { key }));
    expect(answers.map(({ status, headers }) => [status, headers['ratelimit-remaining']])).toEqual([
      [200, '1'],
      [200, '0'],
      [429, '0'],
    ]);
    const [, , last] = answers;
    expect(last?.body).toMatchObject({ code: 'RAE_QUOTA_EXCEEDED', status: 429 });
    expect(last?.headers).toMatchObject({
      ...{ 'ratelimit-limit': '2', 'content-type': expect.stringContaining('application/problem+json') },
      ...{ 'retry-after': expect.stringMatching(/^[1-9]\d?$/), 'ratelimit-reset': expect.stringMatching(/^[1-9]\d?$/) },
    });
  });
});

describe('the door', () => {
  it('says of a fault of its own no word but the id to look for', async () => {
    const { key } = await api().tenant();
    await database().admin('revoke select on public.audit_log from rae_api');
    const { status, text, body } = await api().ask('GET /v1/audit', { key, headers: { 'x-request-id': 'f-1' } });
    await database().admin('grant select on public.audit_log to rae_api');
    expect([status, body.code, body.request_id]).toEqual([500, 'RAE_INTERNAL', 'f-1']);
    expect(text).not.toMatch(/audit|permission|select|postgres|\.[jt]s\b/i);
    expect((await api().ask('GET /v1/audit', { key })).status).toBe(200);
  });

  it('counts paths that there are not as one, and shows figures and boards of operators to nobody', async () => {
    const endpoints = new Set<string>();
    const stop = api().events.on('request.answered', ({ endpoint }) => endpoints.add(endpoint));
    const paths = Array.from({ length: 300 }, (_, at) => `GET /v1/tenants-${at}/runs`);
    for (const what of [...paths, 'GET /metrics', 'GET /ops', 'GET /ui', 'GET /ops/queues'])
      expect((await api().ask(what)).status).toBe(404);
    stop();
    expect([...endpoints]).toEqual(['none']);
  });

  it('takes no cost that is below nothing, beyond what is kept, or no number', async () => {
    const { key } = await api().tenant();
    const call = { model: 'gpt-4o', provider: 'openai', operation: 'query' };
    const wrong = [-0.01, '-1', '1e5', 'NaN', 'Infinity', 1e12, '9999999999999', true, [], ''];
    const costs = [
      ...wrong.map((total_cost_usd) => ({ ...call, total_cost_usd })),
      ...[-1, 1.5, 2 ** 31, '1'].map((input_tokens) => ({ ...call, input_tokens })),
    ];
    const answers = await Promise.all(costs.map((body) => api().ask('POST /v1/costs', { key, body })));
    expect(answers.map(({ status }) => status)).toEqual(costs.map(() => 400));
    expect((await api().ask('GET /v1/usage', { key })).body.total).toMatchObject({ calls: 0, cost_usd: '0.000000' });
  });

  it('gives names with line ends and colours back as one line without them', async () => {
    const name = 'Acme\n{"level":"error","msg":"forged"}\u001b[31m\u202e';
    const made = await api().ask('POST /v1/tenants', { key: await api().operator(), body: { name } });
    expect([201, 400]).toContain(made.status);
    expect(['\n', '\u001b'].filter((one) => made.text.includes(one))).toEqual([]);
  });
});
