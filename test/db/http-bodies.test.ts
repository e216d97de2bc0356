import { beforeAll, describe, expect, it } from 'vitest';
import { type TestRequest, useApi } from '../support/api.ts';
import { useDatabase } from '../support/database.ts';

const database = useDatabase();
const api = useApi(database);
let key: string;
let id: string;

beforeAll(async () => {
  ({ key, id } = await api().tenant());
});

const RUN = 'POST /v1/runs';
const right = '{"worker": "decay"}';
const codeOf = async (what: string, request: TestRequest) => {
  const { status, body } = await api().ask(what, { key, ...request });
  return { status, code: body?.code, detail: body?.detail };
};

describe('a body is refused', () => {
  it.each([
    ['with a field twice', '{"worker": "decay", "worker": "decay"}', 'has the field "worker" twice'],
    [
      'with a field twice, once escaped',
      '{"worker": "decay", "w\\u006frker": "decay"}',
      'has the field "worker" twice',
    ],
    ['with a field twice, deep inside', '{"worker": "decay", "payload": {"a": [{"b": 1, "b": 2}]}}', '"b" twice'],
    ['of brackets', '['.repeat(200_000), 'nested deeper than 32'],
    ['of objects within objects', `${'{"a":'.repeat(33)}1${'}'.repeat(33)}`, 'nested deeper than 32'],
    ['that reaches for a prototype', '{"worker": "decay", "__proto__": {"admin": true}}', 'has a field __proto__'],
    ['that reaches for it escaped', '{"worker": "decay", "\\u005f_proto__": {}}', 'has a field __proto__'],
    ['that reaches for a constructor', '{"payload": {"constructor": {"prototype": {}}}}', 'has a field constructor'],
    ['with a NUL character', '{"worker": "de\\u0000cay"}', 'holds a NUL character'],
    ['with a NUL character in a name', '{"a\\u0000": 1}', 'holds a NUL character'],
    ['with half a character', '{"worker": "\\ud800"}', 'half a character'],
    ['with half a character, the other half', '{"worker": "x\\udc00x"}', 'half a character'],
    ['with a whole number that would be another', '{"payload": {"n": 9007199254740993}}', 'too large to be kept'],
    ['with a number that would be none', '{"payload": {"n": 1e999}}', 'too large to be kept'],
    ['with NaN', '{"payload": {"n": NaN}}', 'is not JSON'],
    ['with a byte order mark', `\ufeff${right}`, 'byte order mark'],
    ['with bytes that are no UTF-8', Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x7d]), 'is not in UTF-8'],
    ['in UTF-16', Buffer.from(right, 'utf16le'), 'the body'],
    ['cut off', right.slice(0, -1), 'is not JSON'],
    ['with something behind it', `${right}{}`, 'is not JSON'],
    ['that is a list', '[]', 'the whole'],
    ['that is null', 'null', 'the whole'],
    ['with another tenant in it', '{"worker": "decay", "tenant_id": "x"}', 'tenant_id is not one of the fields'],
    ['with more rights in it', '{"worker": "decay", "is_admin": true}', 'is_admin is not one of the fields'],
    ['with its own quota', '{"worker": "decay", "quota": 1e9}', 'quota is not one of the fields'],
  ])('%s', async (_what, body, says) => {
    expect(await codeOf(RUN, { body })).toEqual({
      status: 400,
      code: 'RAE_USAGE',
      detail: expect.stringContaining(says),
    });
    expect(Reflect.get({}, 'admin')).toBeUndefined();
  });

  it('of more bytes than are taken with 413, before it is read', async () => {
    const body = `{"worker": "${'x'.repeat(256 * 1024)}"}`;
    expect(await codeOf(RUN, { body })).toMatchObject({ status: 413, code: 'RAE_TOO_LARGE' });
    const { status } = await api().ask(RUN, { body });
    expect(status).toBe(401);
  });

  it.each([
    'text/plain',
    'application/x-www-form-urlencoded',
    'multipart/form-data; boundary=x',
    'application/merge-patch+json',
  ])('as %s with 415', async (type) => {
    const headers = { 'content-type': type };
    expect(await codeOf(RUN, { body: right, headers })).toMatchObject({ status: 415, code: 'RAE_MEDIA_TYPE' });
  });
});

it('a refused body leaves nothing', async () => {
  expect(await database().admin('select from public.runs where tenant_id = $1', [id])).toEqual([]);
});

describe('a query is refused', () => {
  it.each([
    ...['0', '-1', '1e9', '1000000000', '10abc', '1.5', '', '٣', '%001', '5&limit=6'].map(
      (limit) => `runs?limit=${limit}`,
    ),
    ...['%00', 'x'.repeat(1_000)].map((worker) => `runs?worker=${worker}`),
    ...['0000-01-01', '2026-02-30', '10000-01-01', 'yesterday'].map((from) => `usage?from=${from}`),
    ...['-1', 'NaN', 'Infinity', '1e308', '9999999999999', "1'"].map((usd) => `budget/check?estimate_usd=${usd}`),
    ...['x', 'W10', 'bnVsbA', Buffer.from('["x"').toString('base64url')].map((cursor) => `runs?cursor=${cursor}`),
    'runs?unknown=1',
    'runs?__proto__=1',
    'audit?api_key=secret',
  ])('/v1/%s', async (what) => {
    expect(await codeOf(`GET /v1/${what}`, {})).toMatchObject({ status: 400, code: 'RAE_USAGE' });
  });

  it('with a cursor of this tenant that no page has given', async () => {
    const forged = (...place: string[]) => Buffer.from(JSON.stringify([id, ...place])).toString('base64url');
    const run = '7d1f0c52-88c1-4a55-9a0e-6f6b1d1a2c3e';
    for (const [list, cursor] of [
      ['runs', forged('2026-99-99T99:99:99.999999Z', run)],
      ['runs', forged('0000-01-01T00:00:00.000000Z', run)],
      ['runs', forged('2026-06-01T00:00:00.000000Z', '-'.repeat(36))],
      ['rules', forged('-'.repeat(36))],
      ['audit', forged('-1')],
    ])
      expect(await codeOf(`GET /v1/${list}?cursor=${cursor}`, {})).toMatchObject({ status: 400, code: 'RAE_USAGE' });
  });
});

describe('values that cannot be are refused', () => {
  const cost = { model: 'gpt-4o', provider: 'openai', operation: 'query' };
  const matches = { headers: { 'if-match': '*' } };
  it.each([
    ...[-1, 1e12, '-1', '1e400', '12345678901234'].map(
      (usd) => ['POST /v1/costs', { ...cost, total_cost_usd: usd }] as const,
    ),
    ...[-1, 0.5, 2 ** 31].map((input_tokens) => ['POST /v1/costs', { ...cost, input_tokens }] as const),
    ...['0000-01-01T00:00:00Z', '2026-06-01T00:00:00-23:59', '2026-02-30T00:00:00Z', 'now', 0].map(
      (available_at) => [RUN, { worker: 'decay', available_at }] as const,
    ),
    ...[-1, 10, 0.5, '3', null].map((priority) => [RUN, { worker: 'decay', priority }] as const),
    ...['2020-01-01T00:00:00Z', 'soon', 5].map((deadline) => [RUN, { worker: 'decay', deadline }] as const),
    ...[-1, 1e308, 'NaN'].map((rate) => ['PUT /v1/policies/decay', { rate }] as const),
    ...['../etc', '', 'Mars/Base'].map((time_zone) => ['PUT /v1/policies/decay', { time_zone }] as const),
    ...['* * * * * *', '0 0 31 2 *', 'often'].map((cron) => ['PUT /v1/policies/decay', { cron }] as const),
    ...['../etc', 'Mars/Base'].map((time_zone) => ['PUT /v1/budget', { time_zone }] as const),
  ])('%s %j', async (what, body) => {
    const { status, code } = await codeOf(what, { body, ...matches });
    expect([status, code?.slice(0, 4)]).toEqual([400, 'RAE_']);
  });
});

it('amounts may be text, and none of their digits is lost', async () => {
  const set = await api().ask('PUT /v1/budget', { key, body: { monthly_limit_usd: '123456789.123456' } });
  expect(set).toMatchObject({ status: 200, body: { monthly_limit_usd: '123456789.123456' } });
});

it('text is kept as it is, or refused where it would mislead whoever reads it', async () => {
  const names = ["'; drop table public.runs; --", '💥'.repeat(40), '%_\\', '</script><script>'];
  for (const name of names) {
    const made = await api().ask('POST /v1/keys', { key, body: { name, role: 'tenant_viewer' } });
    expect({ name, status: made.status }).toEqual({ name, status: 201 });
  }
  for (const name of ['\u202eevil', '\u001b[31mred', 'two\nlines'])
    expect(await codeOf('POST /v1/keys', { body: { name, role: 'tenant_viewer' } })).toMatchObject({ status: 400 });
  const kept = (await api().ask('GET /v1/keys', { key })).body.keys.map((one: { name: string }) => one.name);
  expect(kept).toEqual(expect.arrayContaining(names));
  const { status, body } = await api().ask(`GET /v1/runs?worker=${encodeURIComponent("' or 1=1 --")}`, { key });
  expect({ status, runs: body.runs }).toEqual({ status: 200, runs: [] });
});
