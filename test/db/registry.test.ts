import { randomUUID } from 'node:crypto';
import { beforeAll, describe, expect, it } from 'vitest';
import { TenantRegistry } from '../../src/tenant/registry.ts';
import { useDatabase } from '../support/database.ts';

const database = useDatabase();
let registry: TenantRegistry;

beforeAll(() => {
  registry = new TenantRegistry(database().open('rae_operator', { poolSize: 4 }));
});

const make = async (plan = 'free', name = 'Acme') => (await registry.create({ name, plan })).tenant;

describe('making a tenant', () => {
  it('makes it with its default project, whatever its name is written in', async () => {
    const metadata = { region: 'eu', nested: { list: [1, 'two'] } };
    const name = `  Ärzte & Söhne 株式会社 ${'😀'.repeat(200)} `;
    const made = await registry.create({ name, plan: 'enterprise', adminEmail: 'a@b.c', metadata });
    expect(made.project.name).toBe('default');
    expect(made.tenant).toMatchObject({
      name: name.trim(),
      plan: 'enterprise',
      status: 'active',
      placement: undefined,
      placed: 'dedicated',
      contactEmail: 'a@b.c',
      metadata,
      shard: 'main',
    });
    expect(await registry.show(made.tenant.tenantId)).toEqual(made.tenant);
    expect(await registry.projects(made.tenant.tenantId)).toEqual([made.project]);
  });

  it.each([
    ['an empty name', { name: '  ' }, /needs a name/],
    ['256 characters', { name: 'x'.repeat(256) }, /256 characters/],
    ['a line break in it', { name: 'a\nb' }, /control characters/],
    ['a turned direction', { name: 'a\u202eb' }, /control characters/],
    ['half a character', { name: 'a\ud800' }, /control characters/],
    ['no address', { adminEmail: 'nobody' }, /"nobody" is not an e-mail address/],
    ['a NUL in its metadata', { metadata: { a: '\u0000' } }, /NUL/],
    ['too much metadata', { metadata: { a: 'x'.repeat(70_000) } }, /64 KiB/],
  ])('is refused with %s', async (_what, part, says) => {
    await expect(registry.create({ name: 'Acme', plan: 'free', ...part })).rejects.toMatchObject({
      code: 'RAE_USAGE',
      message: expect.stringMatching(says),
    });
  });

  it('names the nearest plan when there is none of that name, and makes nothing', async () => {
    await expect(registry.create({ name: 'Nobody Ltd', plan: 'enterprize' })).rejects.toMatchObject({
      code: 'RAE_USAGE',
      hint: 'did you mean enterprise?',
    });
    await expect(registry.create({ name: 'Nobody Ltd', plan: 'gold' })).rejects.toMatchObject({
      hint: 'there are: free, pro, enterprise',
    });
    expect(await database().admin("select from public.tenants where name = 'Nobody Ltd'")).toEqual([]);
  });
});

describe('a tenant that does not exist', () => {
  it('is answered as unknown by every command', async () => {
    const id = randomUUID();
    const answers = [
      () => registry.show(id),
      () => registry.projects(id),
      () => registry.suspend(id),
      () => registry.resume(id),
      () => registry.setPlan(id, 'pro'),
      () => registry.place(id, 'dedicated'),
      () => registry.setShare(id, { weight: 2 }),
    ];
    for (const answer of answers) await expect(answer()).rejects.toMatchObject({ code: 'RAE_TENANT_UNKNOWN' });
  });

  it('is not looked for under an id that is none', async () => {
    for (const id of ['', 'acme', '00000000-0000-0000-0000-000000000000', "'; drop table tenants; --"]) {
      await expect(registry.show(id)).rejects.toMatchObject({ code: 'RAE_TENANT_ID_INVALID' });
    }
  });
});

describe('suspending and resuming', () => {
  it('says whether it changed anything, and hints the scheduler only then', async () => {
    const { tenantId } = await make();
    const hints = () => database().admin('select from public.due_hints where tenant_id = $1', [tenantId]);
    expect(await registry.suspend(tenantId)).toMatchObject({ changed: true, tenant: { status: 'suspended' } });
    const before = (await hints()).length;
    expect(await registry.suspend(tenantId)).toMatchObject({ changed: false, tenant: { status: 'suspended' } });
    expect(await hints()).toHaveLength(before);
    expect(await registry.resume(tenantId)).toMatchObject({ changed: true, tenant: { status: 'active' } });
    expect(await registry.resume(tenantId)).toMatchObject({ changed: false });
  });

  it('is changed once by many at once', async () => {
    const { tenantId } = await make();
    const answers = await Promise.all(Array.from({ length: 8 }, () => registry.suspend(tenantId)));
    expect(answers.filter(({ changed }) => changed)).toHaveLength(1);
  });

  it('brings no deleted tenant back', async () => {
    const { tenantId } = await make();
    await database().admin("update public.tenants set status = 'deleted' where tenant_id = $1", [tenantId]);
    const answers = [
      () => registry.resume(tenantId),
      () => registry.suspend(tenantId),
      () => registry.setPlan(tenantId, 'pro'),
    ];
    for (const answer of answers) await expect(answer()).rejects.toMatchObject({ code: 'RAE_REFUSED' });
    expect((await registry.show(tenantId)).status).toBe('deleted');
  });
});

describe('placement', () => {
  it('follows the plan unless it is set, and its epoch grows with every move', async () => {
    const { tenantId } = await make('free');
    expect((await registry.setPlan(tenantId, 'pro')).tenant).toMatchObject({ placed: 'shared', placementEpoch: 0 });
    expect((await registry.setPlan(tenantId, 'enterprise')).tenant).toMatchObject({
      placed: 'dedicated',
      placementEpoch: 1,
    });
    expect(await registry.setPlan(tenantId, 'enterprise')).toMatchObject({
      changed: false,
      tenant: { placementEpoch: 1 },
    });
    expect((await registry.place(tenantId, 'shared')).tenant).toMatchObject({ placed: 'shared', placementEpoch: 2 });
    expect(await registry.place(tenantId, 'shared')).toMatchObject({ changed: false, tenant: { placementEpoch: 2 } });
    expect((await registry.setPlan(tenantId, 'free')).tenant).toMatchObject({ placed: 'shared', placementEpoch: 2 });
    expect((await registry.place(tenantId, undefined)).tenant).toMatchObject({
      placement: undefined,
      placementEpoch: 3,
    });
  });

  it('stays as it is when the plan asked for does not exist', async () => {
    const { tenantId } = await make('pro');
    await expect(registry.setPlan(tenantId, 'fre')).rejects.toMatchObject({ hint: 'did you mean free?' });
    expect((await registry.show(tenantId)).plan).toBe('pro');
  });
});

describe('the share of a tenant', () => {
  it('is what its plan says, part by part, unless it is set', async () => {
    const { tenantId } = await make('pro');
    expect(await registry.show(tenantId)).toMatchObject({
      weight: undefined,
      runCap: undefined,
      share: { weight: 2, runCap: 4 },
    });
    expect(await registry.setShare(tenantId, { weight: 0.125 })).toMatchObject({
      changed: true,
      tenant: { weight: 0.125, runCap: undefined, share: { weight: 0.125, runCap: 4 } },
    });
    expect(await registry.setShare(tenantId, { runCap: 40 })).toMatchObject({
      changed: true,
      tenant: { weight: 0.125, runCap: 40, share: { weight: 0.125, runCap: 40 } },
    });
    expect((await registry.setPlan(tenantId, 'free')).tenant.share).toEqual({ weight: 0.125, runCap: 40 });
    expect(await registry.setShare(tenantId, { weight: null, runCap: null })).toMatchObject({
      changed: true,
      tenant: { weight: undefined, runCap: undefined, share: { weight: 1, runCap: 2 } },
    });
  });

  it('tells whoever dispatches when it changes, and only then', async () => {
    const { tenantId } = await make();
    await database().admin(
      "insert into public.leases (name, holder, epoch, expires_at) values ('dispatch', 'me', 1, now())",
    );
    const told = () => database().admin('select worker from public.arrivals where tenant_id = $1', [tenantId]);
    await registry.setShare(tenantId, { weight: 3 });
    expect(await told()).toEqual([{ worker: null }]);
    expect(await registry.setShare(tenantId, { weight: 3 })).toMatchObject({ changed: false });
    expect(await registry.setShare(tenantId, {})).toMatchObject({ changed: false });
    expect(await told()).toHaveLength(1);
  });

  it.each([
    ['a weight of nothing', { weight: 0 }, /a weight is from 0\.001 to 999999 .*, not 0/],
    ['a negative weight', { weight: -1 }, /a weight/],
    ['no number', { weight: Number.NaN }, /a weight/],
    ['a weight that the ledger cannot hold', { weight: 1_000_000 }, /a weight/],
    ['a weight finer than the ledger holds', { weight: 0.0015 }, /at most three decimals/],
    ['a cap of nothing, which would stop the tenant', { runCap: 0 }, /a cap is a whole number from 1/],
    ['half a run', { runCap: 1.5 }, /a cap/],
    ['a cap beyond all bounds', { runCap: 1e9 }, /a cap/],
  ])('is refused with %s', async (_what, change, says) => {
    const { tenantId } = await make();
    await expect(registry.setShare(tenantId, change)).rejects.toMatchObject({
      code: 'RAE_USAGE',
      message: expect.stringMatching(says),
    });
    expect(await registry.show(tenantId)).toMatchObject({ weight: undefined, runCap: undefined });
  });

  it.each([
    ['the least', { weight: 0.001, runCap: 1 }],
    ['the most', { weight: 999_999, runCap: 1_000_000 }],
  ])('may be %s', async (_what, change) => {
    const { tenantId } = await make();
    expect((await registry.setShare(tenantId, change)).tenant.share).toEqual(change);
  });

  it('of a deleted tenant is not changed', async () => {
    const { tenantId } = await make();
    await database().admin("update public.tenants set status = 'deleted' where tenant_id = $1", [tenantId]);
    await expect(registry.setShare(tenantId, { weight: 2 })).rejects.toMatchObject({ code: 'RAE_REFUSED' });
  });
});

describe('listing', () => {
  it('gives every tenant once, page by page, and only those asked for', async () => {
    const made = await Promise.all(Array.from({ length: 7 }, (_, i) => make(i < 3 ? 'pro' : 'free', `page ${i}`)));
    await registry.suspend(made[0]?.tenantId ?? '');
    const all = await database().admin<{ tenant_id: string }>(
      'select tenant_id from public.tenants order by tenant_id',
    );
    const seen: string[] = [];
    let after: string | undefined;
    do {
      const page = await registry.list({ after, limit: 2 });
      seen.push(...page.tenants.map(({ tenantId }) => tenantId));
      after = page.next;
    } while (after !== undefined);
    expect(seen).toEqual(all.map((row) => row.tenant_id));
    const suspended = await registry.list({ status: 'suspended', plan: 'pro', limit: 1_000 });
    expect(suspended.tenants.map(({ tenantId }) => tenantId)).toContain(made[0]?.tenantId);
    expect(suspended.tenants.every(({ status, plan }) => status === 'suspended' && plan === 'pro')).toBe(true);
  });

  it('refuses a plan, a page or a limit that cannot be', async () => {
    await expect(registry.list({ plan: 'prro', limit: 5 })).rejects.toMatchObject({ hint: 'did you mean pro?' });
    await expect(registry.list({ limit: 0 })).rejects.toMatchObject({ code: 'RAE_USAGE' });
    await expect(registry.list({ limit: 1_001 })).rejects.toMatchObject({ code: 'RAE_USAGE' });
    await expect(registry.list({ limit: 5, after: 'x' })).rejects.toMatchObject({ code: 'RAE_TENANT_ID_INVALID' });
  });
});
