import { expect, it } from 'vitest';
import { useApi } from '../support/api.ts';
import { useDatabase } from '../support/database.ts';

const database = useDatabase();
const api = useApi(database);

it('pauses a worker of a tenant, lists that, and lets it go on', async () => {
  const operator = await api().operator();
  const { id } = await api().tenant();
  const body = { tenant_id: id, worker: 'decay', reason: 'runaway imports' };
  const paused = await api().ask('POST /v1/pauses', { key: operator, body });
  expect(paused).toMatchObject({ status: 201, body: { ...body, queue: null, arrivals: 'keep', taken_back: 0 } });
  expect((await api().ask('GET /v1/pauses', { key: operator })).body.pauses).toMatchObject([body]);
  const { pause_id: pause } = paused.body;
  const lifted = await api().ask(`DELETE /v1/pauses/${pause}`, { key: operator });
  expect(lifted).toMatchObject({ status: 200, body: { pause_id: pause, lifted: true } });
  expect(await api().ask(`DELETE /v1/pauses/${pause}`, { key: operator })).toMatchObject({ status: 404 });
  expect((await api().ask('GET /v1/pauses', { key: operator })).body).toEqual({ pauses: [], next: null });
  const other = await api().ask('POST /v1/pauses', { key: operator, body: { worker: 'delivery', reason: 'second' } });
  const first = (await api().ask('GET /v1/pauses?all=true&limit=1', { key: operator })).body;
  expect(first).toMatchObject({ pauses: [{ pause_id: other.body.pause_id }], next: expect.any(String) });
  const second = (await api().ask(`GET /v1/pauses?all=true&limit=1&cursor=${first.next}`, { key: operator })).body;
  expect(second).toMatchObject({ pauses: [{ pause_id: pause }], next: null });
  await api().ask(`DELETE /v1/pauses/${other.body.pause_id}`, { key: operator });
  const over = (await api().ask('GET /v1/pauses?all=true', { key: operator })).body.pauses;
  expect(over).toContainEqual(
    expect.objectContaining({ pause_id: pause, lifted_by: expect.stringContaining('operator') }),
  );
});

it('says what is wrong with a pause, and pauses nothing then', async () => {
  const key = await api().operator();
  const before = (await api().ask('GET /v1/pauses?all=true', { key })).body;
  const wrong: readonly (readonly [object, string])[] = [
    [{ reason: 'x' }, 'nothing to pause'],
    [{ worker: 'deccay', reason: 'x' }, 'deccay'],
    [{ queue: 'decay', reason: 'x' }, 'is no name of a queue'],
    [{ queue: 'rae.decay.p00', worker: 'decay', reason: 'x' }, 'name it alone'],
    [{ worker: 'decay', reason: ' ' }, 'reason'],
    [{ worker: 'decay', reason: 'x', expires_at: '2020-01-01T00:00:00Z' }, 'is over'],
  ];
  for (const [body, says] of wrong) {
    const { status, text } = await api().ask('POST /v1/pauses', { key, body });
    expect({ status, text }).toEqual({ status: 400, text: expect.stringContaining(says) });
  }
  const nobody = { tenant_id: '7d1f0c52-88c1-4a55-9a0e-6f6b1d1a2c3e', reason: 'x' };
  expect(await api().ask('POST /v1/pauses', { key, body: nobody })).toMatchObject({ status: 404 });
  expect((await api().ask('GET /v1/pauses?all=true', { key })).body).toEqual(before);
});
