import { randomUUID } from 'node:crypto';
import { beforeAll, describe, expect, it } from 'vitest';
import { PolicyBook } from '../../src/tenant/policy-book.ts';
import { loadCatalogue } from '../../workers/index.ts';
import { useDatabase } from '../support/database.ts';
import { addTenant } from '../support/tenants.ts';

const database = useDatabase();
let book: PolicyBook;
let fingerprint: string;

beforeAll(async () => {
  const { definition, defaultPolicy, ...decay } = (await loadCatalogue()).get('decay');
  fingerprint = decay.fingerprint;
  const schema = { schema: definition.contract.policy, fingerprint, defaults: defaultPolicy };
  book = new PolicyBook(database().tenants('rae_api', { poolSize: 4 }), new Map([['decay', schema]]));
});

const stored = async (tenantId: string) => {
  const [row] = await database().admin<{
    version: number;
    document: unknown;
    effective: unknown;
    usable: boolean;
    cron: string;
  }>(
    'select version, document, effective, cron, checked = $2 || md5(document::text) as usable from public.policies where tenant_id = $1',
    [tenantId, fingerprint],
  );
  return row;
};

describe('a policy', () => {
  it('is the default until it is set', async () => {
    const tenantId = await addTenant(database());
    expect(await book.get(tenantId, 'decay')).toEqual({
      document: {},
      version: 0,
      effective: expect.objectContaining({ rate: 0.01, cron: '0 2 * * *' }),
      mistakes: [],
    });
  });

  it('is stored as set, together with what a run may use as it stands', async () => {
    const tenantId = await addTenant(database());
    const document = { rate: 0.25, cron: '30 4 * * *', time_zone: 'Asia/Tokyo', layer_rates: { working: 1e-7 } };
    const { policy, changed } = await book.set(tenantId, 'decay', document);
    expect(changed).toBe(true);
    expect(policy).toMatchObject({ document, version: 1, effective: { ...document, floor: 0.01 } });
    expect(await stored(tenantId)).toMatchObject({ version: 1, document, usable: true, cron: '30 4 * * *' });
    expect((await stored(tenantId))?.effective).toEqual(policy.effective);
    expect(await book.get(tenantId, 'decay')).toEqual(policy);
  });

  it('set to the same once more changes nothing, whatever the order of its fields', async () => {
    const tenantId = await addTenant(database());
    await book.set(tenantId, 'decay', { rate: 0.2, floor: 0.1 });
    expect(await book.set(tenantId, 'decay', { floor: 0.1, rate: 0.2 })).toMatchObject({
      changed: false,
      policy: { version: 1 },
    });
    expect(await book.set(tenantId, 'decay', { rate: 0.2 })).toMatchObject({ changed: true, policy: { version: 2 } });
  });

  it('is changed field by field', async () => {
    const tenantId = await addTenant(database());
    await book.patch(tenantId, 'decay', {
      set: [
        ['layer_rates.working', 0.5],
        ['rate', 0.2],
      ],
      unset: [],
    });
    const { policy } = await book.patch(tenantId, 'decay', { set: [['layer_rates.semantic', 0.1]], unset: ['rate'] });
    expect(policy).toMatchObject({ version: 2, document: { layer_rates: { working: 0.5, semantic: 0.1 } } });
    expect(await book.patch(tenantId, 'decay', { set: [], unset: ['rate'] })).toMatchObject({ changed: false });
    await expect(book.patch(tenantId, 'decay', { set: [], unset: ['rat'] })).rejects.toMatchObject({
      code: 'RAE_POLICY_INVALID',
      message: expect.stringContaining('did you mean rate?'),
    });
  });

  it('loses no change of many at once', async () => {
    const tenantId = await addTenant(database());
    const layers = ['sensory', 'working', 'episodic', 'semantic', 'reflective'];
    await Promise.all(
      layers.map((layer) => book.patch(tenantId, 'decay', { set: [[`layer_rates.${layer}`, 0.5]], unset: [] })),
    );
    const { document, version } = await book.get(tenantId, 'decay');
    expect(version).toBe(5);
    expect(Object.keys(document.layer_rates as object).sort()).toEqual([...layers].sort());
  });

  it('is not changed by whoever saw another version', async () => {
    const tenantId = await addTenant(database());
    await book.set(tenantId, 'decay', { rate: 0.2 }, { expectVersion: 0 });
    await expect(book.set(tenantId, 'decay', { rate: 0.3 }, { expectVersion: 0 })).rejects.toMatchObject({
      code: 'RAE_REFUSED',
      message: 'the policy is at version 1, not 0',
    });
    await book.set(tenantId, 'decay', { rate: 0.3 }, { expectVersion: 1 });
    expect((await book.get(tenantId, 'decay')).document).toEqual({ rate: 0.3 });
  });
});

describe('a policy that does not fit', () => {
  it('is refused with every mistake, and nothing is stored', async () => {
    const tenantId = await addTenant(database());
    await expect(book.set(tenantId, 'decay', { rat: 1, floor: 2 })).rejects.toMatchObject({
      code: 'RAE_POLICY_INVALID',
      message:
        'the policy for decay has 2 mistakes:\n  floor is 2; expected a number from 0 to 1\n  rat is not one of the fields; did you mean rate?',
    });
    expect(await stored(tenantId)).toBeUndefined();
  });

  it.each([[null], [[]], ['text'], [3], [{ cron: '\u0000' }], [{ ['x'.repeat(70_000)]: 1 }]])(
    'is refused whatever it is: case %#',
    async (document) => {
      const tenantId = await addTenant(database());
      await expect(book.set(tenantId, 'decay', document)).rejects.toMatchObject({ code: 'RAE_POLICY_INVALID' });
    },
  );

  it('can be read and mended when it is already stored', async () => {
    const tenantId = await addTenant(database());
    await database().admin(
      `insert into public.policies (tenant_id, worker, document) values ($1, 'decay', '{"rate": 7}')`,
      [tenantId],
    );
    expect(await book.get(tenantId, 'decay')).toEqual({
      document: { rate: 7 },
      version: 1,
      effective: undefined,
      mistakes: ['rate is 7; expected a number from 0 to 1'],
    });
    await book.patch(tenantId, 'decay', { set: [], unset: ['rate'] });
    expect(await stored(tenantId)).toMatchObject({ version: 2, document: {}, usable: true });
  });

  it('is one that was checked by an older schema: it is checked again and may be confirmed', async () => {
    const tenantId = await addTenant(database());
    await database().admin(
      `insert into public.policies (tenant_id, worker, document, effective, checked)
       values ($1, 'decay', '{"rate": 0.5}', '{"rate": 9}', 'old')`,
      [tenantId],
    );
    expect((await book.get(tenantId, 'decay')).effective).toMatchObject({ rate: 0.5, floor: 0.01 });
    expect(await book.set(tenantId, 'decay', { rate: 0.5 })).toMatchObject({ changed: true });
    expect(await stored(tenantId)).toMatchObject({ usable: true });
  });
});

describe('whose policy', () => {
  it('an unknown tenant has none, and none can be set for it', async () => {
    const id = randomUUID();
    await expect(book.get(id, 'decay')).rejects.toMatchObject({ code: 'RAE_TENANT_UNKNOWN' });
    await expect(book.set(id, 'decay', {})).rejects.toMatchObject({ code: 'RAE_TENANT_UNKNOWN' });
    await expect(book.get('acme', 'decay')).rejects.toMatchObject({ code: 'RAE_TENANT_ID_INVALID' });
  });

  it('a deleted tenant keeps its own as it was', async () => {
    const tenantId = await addTenant(database(), { status: 'deleted' });
    await expect(book.set(tenantId, 'decay', {})).rejects.toMatchObject({ code: 'RAE_REFUSED' });
  });

  it('an unknown worker has none; the nearest is named', async () => {
    const tenantId = await addTenant(database());
    await expect(book.get(tenantId, 'decy')).rejects.toMatchObject({
      code: 'RAE_NOT_FOUND',
      hint: 'did you mean decay?',
    });
  });
});
