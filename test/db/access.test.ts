import { beforeAll, describe, expect, it } from 'vitest';
import { KeyBook } from '../../src/access/key-book.ts';
import { onboard } from '../../src/access/onboarding.ts';
import { requirePermission } from '../../src/access/principal.ts';
import { AuditLog, FLEET_LOG, OPERATOR } from '../../src/audit/log.ts';
import { Shards } from '../../src/db/shards.ts';
import { statement } from '../../src/db/statement.ts';
import { RunBook } from '../../src/ledger/run-book.ts';
import { MasterKeys } from '../../src/secrets/master-keys.ts';
import { SecretBook } from '../../src/secrets/secret-book.ts';
import { BudgetBook } from '../../src/tenant/budget-book.ts';
import { LegalHoldBook } from '../../src/tenant/legal-hold-book.ts';
import { PriceBook } from '../../src/tenant/price-book.ts';
import { TenantRegistry } from '../../src/tenant/registry.ts';
import { RuleBook } from '../../src/tenant/rule-book.ts';
import { useDatabase } from '../support/database.ts';

const database = useDatabase();
let registry: TenantRegistry;
let keys: KeyBook;
let log: AuditLog;

beforeAll(() => {
  registry = new TenantRegistry(database().open('rae_operator', { poolSize: 4 }));
  keys = new KeyBook(database().tenants('rae_api', { poolSize: 4 }));
  log = new AuditLog(database().tenants('rae_api'));
});

const make = async () => {
  const { tenant, apiKey = '' } = await onboard(registry, { name: 'Acme', plan: 'free' }, OPERATOR);
  return { id: tenant.tenantId, apiKey };
};
const refused = { code: 'RAE_UNAUTHENTICATED' };

describe('making a tenant', () => {
  it('gives it project, admin and a key that works, and enters that in its log', async () => {
    const input = { name: 'Acme', plan: 'pro', adminEmail: 'a@b.c' };
    const { tenant, apiKey, project, made } = await onboard(registry, input, OPERATOR);
    expect({ made, project: project.name }).toEqual({ made: true, project: 'default' });
    expect(await keys.principal(apiKey ?? '')).toMatchObject({ tenantId: tenant.tenantId, role: 'tenant_admin' });
    const members = await database().admin('select email, role from public.members where tenant_id = $1', [
      tenant.tenantId,
    ]);
    expect(members).toEqual([{ email: 'a@b.c', role: 'tenant_admin' }]);
    const actions = (await log.list(tenant.tenantId, undefined, 10)).map(({ action }) => action);
    expect(actions).toEqual(['key.created', 'rule.set', 'budget.set', 'tenant.created']);
  });

  it('makes one tenant and one key of twenty calls at once with one external id', async () => {
    const input = { name: 'Once', plan: 'free', adminEmail: 'a@b.c', externalId: 'crm/4711' };
    const all = await Promise.all(Array.from({ length: 20 }, () => onboard(registry, input, OPERATOR)));
    expect(new Set(all.map(({ tenant }) => tenant.tenantId)).size).toBe(1);
    expect(all.filter(({ made }) => made)).toHaveLength(1);
    expect(all.filter(({ apiKey }) => apiKey !== undefined)).toHaveLength(1);
    expect(await keys.list(all[0]?.tenant.tenantId ?? '', true)).toHaveLength(1);
  });

  it('leaves nothing behind when a part of it fails', async () => {
    const input = { name: 'Broken', plan: 'gold', externalId: 'crm/broken' };
    await expect(onboard(registry, input, OPERATOR)).rejects.toMatchObject({ code: 'RAE_USAGE' });
    expect(await database().admin("select from public.tenants where name = 'Broken'")).toEqual([]);
  });
});

describe('the last admin of a tenant', () => {
  it('stays, also where two remove each other, and goes with the tenant', async () => {
    const { id } = await make();
    await database().admin(
      `insert into public.members (tenant_id, email, role) values ($1, 'a@b.c', 'tenant_admin'), ($1, 'b@b.c', 'tenant_admin'),
         ($1, 'c@b.c', 'tenant_user')`,
      [id],
    );
    const tenants = database().tenants('rae_api', { poolSize: 2 });
    const changed = (text: string, values: readonly unknown[] = []) =>
      tenants.inTenant(id, (tx) => tx.rows(statement('change', text), values));
    const removed = (email: string) => changed('delete from public.members where email = $1', [email]);
    const both = await Promise.allSettled([removed('a@b.c'), removed('b@b.c')]);
    expect(both.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
    const lastAdmin = { message: expect.stringContaining('keeps its last admin') };
    await expect(changed("update public.members set role = 'tenant_user'")).rejects.toMatchObject(lastAdmin);
    await expect(changed('delete from public.members')).rejects.toMatchObject(lastAdmin);
    await removed('c@b.c');
    const roles = 'select role from public.members where tenant_id = $1';
    expect(await database().admin(roles, [id])).toEqual([{ role: 'tenant_admin' }]);
    await database().admin('delete from public.tenants where tenant_id = $1', [id]);
    expect(await database().admin(roles, [id])).toEqual([]);
  });
});

describe('an API key', () => {
  it('stands nowhere in the database', async () => {
    const { apiKey } = await make();
    const secret = apiKey.slice(-43);
    const rows = await database().admin<{ row: string }>(
      `select k::text || encode(k.digest, 'escape') as row from public.api_keys k
        union all select a::text from public.audit_log a`,
    );
    expect(rows.length).toBeGreaterThan(1);
    expect(rows.filter(({ row }) => row.includes(secret))).toEqual([]);
  });

  it('is refused in one way, whether it is wrong, another tenant’s, cut off, or nothing of the kind', async () => {
    const [a, b] = [await make(), await make()];
    const swapped = a.apiKey.replace(a.id.replaceAll('-', ''), b.id.replaceAll('-', ''));
    const wrong = `${a.apiKey.slice(0, -4)}AAAA`;
    const nobody = a.apiKey.replace(a.id.replaceAll('-', ''), '3f2a8c541f7e4c0b9a530d7e2b1c9f10');
    const errors: unknown[] = [];
    for (const key of [swapped, wrong, nobody, a.apiKey.slice(0, -1), `${a.apiKey}A`, '', 'rae_', `${a.apiKey}\n`])
      errors.push(await keys.principal(key).catch(({ code, message }) => ({ code, message })));
    expect(errors).toHaveLength(8);
    for (const error of errors) expect(error).toEqual({ ...refused, message: expect.stringContaining('is not known') });
    expect(new Set(errors.map((error) => JSON.stringify(error))).size).toBe(1);
  });

  it('is refused from the next request on when it is revoked, and when its time is over', async () => {
    const { id } = await make();
    const key = { name: 'second', role: 'tenant_user' } as const;
    const { keyId, text } = await keys.create(id, key, OPERATOR);
    expect(await keys.principal(text)).toMatchObject({ role: 'tenant_user' });
    expect(await keys.revoke(id, keyId, OPERATOR)).toEqual({ changed: true });
    await expect(keys.principal(text)).rejects.toMatchObject(refused);
    expect(await keys.revoke(id, keyId, OPERATOR)).toEqual({ changed: false });
    const past = await keys.create(id, { ...key, expiresAt: new Date('2020-01-01') }, OPERATOR);
    await expect(keys.principal(past.text)).rejects.toMatchObject(refused);
  });

  it('of a suspended tenant is forbidden', async () => {
    const { id, apiKey } = await make();
    await registry.suspend(id);
    await expect(keys.principal(apiKey)).rejects.toMatchObject({ code: 'RAE_FORBIDDEN' });
  });

  it('cannot be revoked as the last of an admin, not even by two at once', async () => {
    const { id, apiKey } = await make();
    const first = apiKey.split('_')[2] ?? '';
    await expect(keys.revoke(id, first, OPERATOR)).rejects.toMatchObject({ code: 'RAE_REFUSED' });
    const { keyId } = await keys.create(id, { name: 'other', role: 'tenant_admin' }, OPERATOR);
    const both = await Promise.allSettled([first, keyId].map((key) => keys.revoke(id, key, OPERATOR)));
    expect(both.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
  });

  it('hands out no more than it has itself', async () => {
    const { id, apiKey } = await make();
    const admin = await keys.principal(apiKey);
    const narrow = await keys.create(
      id,
      { name: 'narrow', role: 'tenant_admin', scopes: ['keys:manage', 'runs:read'], project: 'atlas' },
      OPERATOR,
      admin,
    );
    const by = await keys.principal(narrow.text);
    const more = [
      { name: 'x', role: 'tenant_admin', project: 'atlas' },
      { name: 'x', role: 'tenant_admin', scopes: ['audit:read'], project: 'atlas' },
      { name: 'x', role: 'tenant_admin', scopes: ['runs:read'] },
    ] as const;
    for (const key of more)
      await expect(keys.create(id, key, OPERATOR, by)).rejects.toMatchObject({ code: 'RAE_FORBIDDEN' });
    await keys.create(id, { name: 'x', role: 'tenant_admin', scopes: ['runs:read'], project: 'atlas' }, OPERATOR, by);
    expect(() => requirePermission(by, 'runs:write')).toThrow(/has not the scope/);
    expect(() => requirePermission(by, 'runs:read')).not.toThrow();
  });

  it('has a role and scopes that there are', async () => {
    const { id } = await make();
    const key = { name: 'x', role: 'tenant_viewer', scopes: ['runs:raed'] } as const;
    await expect(keys.create(id, key, OPERATOR)).rejects.toMatchObject({ hint: 'did you mean runs:read?' });
    const more = { name: 'x', role: 'tenant_viewer', scopes: ['runs:write'] } as const;
    await expect(keys.create(id, more, OPERATOR)).rejects.toMatchObject({ code: 'RAE_USAGE' });
  });
});

describe('the audit log', () => {
  it('has every change of plan, placement, share and state, and none of what changed nothing', async () => {
    const { id } = await make();
    await registry.setPlan(id, 'pro');
    await registry.setPlan(id, 'pro');
    await registry.place(id, 'dedicated');
    await registry.setShare(id, { runCap: 3 });
    await registry.suspend(id);
    const entries = await log.list(id, undefined, 10);
    const actions = ['tenant.suspended', 'tenant.share_set', 'tenant.placed', 'tenant.plan_set'];
    expect(entries.slice(0, -3).map(({ action }) => action)).toEqual(actions);
    expect(entries[3]?.detail).toMatchObject({ before: { plan: 'free' }, after: { plan: 'pro' } });
    expect(await log.verify(id)).toEqual({ entries: 7, badSeq: undefined, why: undefined });
  });

  it('has every change of budget, secret, rule, hold, run and message, and nothing that is secret', async () => {
    const { id } = await make();
    const tenants = database().tenants('rae_api');
    const author = { actor: 'key 00', requestId: 'r-1', address: '203.0.113.7' };
    const budgets = new BudgetBook(tenants);
    const channels = [{ type: 'webhook', url: 'https://hush.example/hush' }];
    await budgets.set(id, null, { monthly_limit_usd: 10 }, author);
    await budgets.set(id, null, { monthly_limit_usd: 20, channels }, author);
    await budgets.remove(id, null, author);
    const master = new MasterKeys(`k1:${Buffer.alloc(32, 7).toString('base64')}`);
    await new SecretBook(tenants, master).set(id, 'crm', 'hush', 0, author);
    const rules = new RuleBook(tenants);
    const actions = [{ action_type: 'send_webhook', config: { url: 'https://hush.example' } }];
    const rule = { rule_name: 'r', event_types: ['custom.x'], condition_group: null, tags: [], metadata: {} };
    const rest = { actions, stop_on_failure: false, priority: 5, is_enabled: true };
    const { triggerId } = await rules.store(id, { ...rule, ...rest }, author);
    await rules.enable(id, triggerId, false, author);
    await rules.remove(id, triggerId, author);
    const holds = new LegalHoldBook(tenants);
    const { hold_id: hold } = await holds.place(id, { reason: 'hush', owner: 'legal' }, author);
    await holds.release(id, hold, author);
    const [run] = await database().admin<{ run_id: string }>(
      "insert into public.runs (tenant_id, worker, origin) values ($1, 'decay', 'request') returning run_id",
      [id],
    );
    await new RunBook(database().open('rae_operator')).cancel(run?.run_id ?? '', author);

    const entries = (await log.list(id, undefined, 20)).slice(0, -3).reverse();
    const set = ['budget.set', 'budget.set', 'budget.removed', 'secret.set', 'rule.set', 'rule.set', 'rule.removed'];
    expect(entries.map(({ action }) => action)).toEqual([...set, 'hold.placed', 'hold.released', 'run.cancelled']);
    for (const { actor, detail } of entries) {
      expect({ actor, ...detail }).toMatchObject({ actor: 'key 00', request_id: 'r-1', address: '203.0.113.7' });
    }
    expect(entries[1]?.detail).toMatchObject({
      before: { monthly_limit_usd: '10' },
      after: { monthly_limit_usd: '20' },
    });
    expect(JSON.stringify(entries)).not.toContain('hush');
    expect((await log.verify(id)).badSeq).toBeUndefined();
  });

  it('of the fleet has what operators do to no tenant alone', async () => {
    const price = { model: 'm', valid_from: '2026-01-01T00:00:00Z', input_per_million: '1', output_per_million: '2' };
    const shards = new Shards(new Map([['main', database().open('rae_operator')]]));
    await new PriceBook(shards).put([{ ...price, cached_input_per_million: null }], false);
    await new RunBook(database().open('rae_operator')).retryDead(undefined, undefined);
    const actions = (await log.list(FLEET_LOG, undefined, 5)).map(({ action }) => action);
    expect(actions).toEqual(['run.retried_dead', 'price.imported']);
    expect((await log.verify(FLEET_LOG)).badSeq).toBeUndefined();
  });

  it.each([
    ['an edit', 'update public.audit_log set actor = $2 where tenant_id = $1 and seq = 2', '2'],
    ['a removal', 'delete from public.audit_log where tenant_id = $1 and seq = 2 and $2 <> $1::text', '2'],
    ['a cut-off end', 'delete from public.audit_log where tenant_id = $1 and seq >= 3 and $2 <> $1::text', '3'],
  ])('tells of %s', async (_what, tamper, badSeq) => {
    const { id } = await make();
    await registry.setPlan(id, 'pro');
    await database().admin(tamper, [id, 'somebody']);
    expect(await log.verify(id)).toMatchObject({ badSeq });
  });

  it('tells by a head that was kept of a log that was written anew, or cut off, together with its end', async () => {
    const { id } = await make();
    const { head = '', seq } = (await log.head(id)) ?? {};
    await registry.setPlan(id, 'pro');
    expect(await log.verify(id, head)).toMatchObject({ badSeq: undefined });
    const other = (await log.head((await make()).id))?.head ?? '';
    expect(await log.verify(id, other)).toMatchObject({ why: 'the head is of another log' });
    const last = head.at(-1) === '0' ? '1' : '0';
    expect(await log.verify(id, head.slice(0, -1) + last)).toMatchObject({
      badSeq: seq,
      why: expect.stringContaining('not signed'),
    });
    await expect(log.verify(id, 'rae-audit-head')).rejects.toMatchObject({ code: 'RAE_USAGE' });
    // As a superuser would who knows how the chain is made: every entry from the second on, and the head of the table.
    const rewrite = `with recursive entry as (
        select a.seq, a.at, a.actor, a.action, a.detail, a.previous, a.hash from public.audit_log a where a.tenant_id = $1 and a.seq = 1
        union all
        select a.seq, a.at, 'nobody', a.action, a.detail, e.hash,
               public.rae_audit_hash(a.tenant_id, a.seq, a.at, 'nobody', a.action, a.detail, e.hash)
          from entry e join public.audit_log a on a.tenant_id = $1 and a.seq = e.seq + 1),
      rewritten as (
        update public.audit_log a set actor = e.actor, previous = e.previous, hash = e.hash
          from entry e where a.tenant_id = $1 and a.seq = e.seq returning a.seq)
      update public.audit_heads h set hash = e.hash from entry e
       where h.tenant_id = $1 and e.seq = h.seq and exists (select from rewritten)`;
    await database().admin(rewrite, [id]);
    expect(await log.verify(id)).toMatchObject({ badSeq: undefined });
    expect(await log.verify(id, head)).toMatchObject({ badSeq: seq, why: expect.stringContaining('written anew') });
    await database().admin('delete from public.audit_log where tenant_id = $1 and seq > 1', [id]);
    const back = `update public.audit_heads h set seq = a.seq, at = a.at, hash = a.hash from public.audit_log a
      where h.tenant_id = $1 and a.tenant_id = $1`;
    await database().admin(back, [id]);
    expect(await log.verify(id)).toMatchObject({ badSeq: undefined });
    expect(await log.verify(id, head)).toMatchObject({ badSeq: seq, why: expect.stringContaining('is missing') });
  });
});
