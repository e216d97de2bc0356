import { randomBytes } from 'node:crypto';
import { beforeAll, describe, expect, it } from 'vitest';
import { MasterKeys } from '../../src/secrets/master-keys.ts';
import { SecretBook } from '../../src/secrets/secret-book.ts';
import { useDatabase } from '../support/database.ts';
import { addTenant } from '../support/tenants.ts';

const database = useDatabase();
const key = (id: string) => `${id}:${randomBytes(32).toString('base64')}`;
const [k1, k2] = [key('k1'), key('k2')];
let tenant = '';
let other = '';

/** As an API server or the CLI has it. */
const book = (keys: string | undefined = k1) => new SecretBook(database().tenants('rae_api'), new MasterKeys(keys));
/** As a worker has it. */
const reader = (keys: string | undefined = k1) =>
  new SecretBook(database().tenants('rae_worker'), new MasterKeys(keys));

beforeAll(async () => {
  tenant = await addTenant(database());
  other = await addTenant(database());
});

describe('a secret', () => {
  it('comes back as it was given, to its own tenant by its own name', async () => {
    const value = 'sésame ☂ open';
    expect(await book().set(tenant, 'a', value)).toMatchObject({ name: 'a', version: 1, valid_until: null });
    await book().set(other, 'a', 'of another');
    expect(await reader().values(tenant, 'a')).toEqual([value]);
    expect(await reader().values(tenant, 'b')).toEqual([]);
  });

  it('stands nowhere in the database as it is', async () => {
    await book().set(tenant, 'plain', 'never-to-be-seen');
    const rows = await database().admin<{ row: string }>(
      `select s::text || encode(s.sealed, 'escape') || k::text as row from public.tenant_secrets s, public.tenant_data_keys k`,
    );
    expect(rows.length).toBeGreaterThan(0);
    for (const { row } of rows) expect(row).not.toMatch(/never-to-be-seen|sésame/);
  });

  it('has another ciphertext each time, and one data key for the tenant', async () => {
    await book().set(tenant, 'twice.a', 'same');
    await book().set(tenant, 'twice.b', 'same');
    const [row] = await database().admin(
      `select count(distinct sealed)::int as sealed, (select count(*)::int from public.tenant_data_keys where tenant_id = $1) as keys
         from public.tenant_secrets where tenant_id = $1 and name like 'twice.%'`,
      [tenant],
    );
    expect(row).toEqual({ sealed: 2, keys: 1 });
  });

  it.each([
    ['A', 'x', 'is no name of a secret'],
    ['', 'x', 'is no name of a secret'],
    ['a/b', 'x', 'is no name of a secret'],
    ['ok', '', 'is empty'],
    ['ok', ' \n', 'is empty'],
    ['ok', 'x'.repeat(8_193), '8192 are the most'],
  ])('cannot be %s: %s', async (name, value, what) => {
    await expect(book().set(tenant, name, value)).rejects.toThrow(what);
  });

  it('set at once by many has one version each, and the last one counts', async () => {
    const values = Array.from({ length: 8 }, (_, index) => `v${index}`);
    const set = await Promise.all(values.map((value) => book().set(tenant, 'raced', value, 60)));
    expect(set.map(({ version }) => version).sort()).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
    const newest = values[set.findIndex(({ version }) => version === 8)];
    expect((await reader().values(tenant, 'raced'))[0]).toBe(newest);
  });
});

describe('a secret does not open, and says why', () => {
  const change = (text: string) => database().admin(text, [tenant]);

  it('without a master key, with another one, and with another one of the same id', async () => {
    await book().set(tenant, 'locked', 'x');
    await expect(reader('k9:'.concat(randomBytes(32).toString('base64'))).values(tenant, 'locked')).rejects.toThrow(
      'under the master key k1, and RAE_MASTER_KEYS holds k9',
    );
    const none = new SecretBook(database().tenants('rae_worker'), new MasterKeys(undefined));
    await expect(none.values(tenant, 'locked')).rejects.toThrow('RAE_MASTER_KEYS holds none');
    await expect(reader(key('k1')).values(tenant, 'locked')).rejects.toMatchObject({ code: 'RAE_SECRET_UNREADABLE' });
    const keyless = new SecretBook(database().tenants('rae_api'), new MasterKeys(undefined));
    await expect(keyless.set(tenant, 'locked', 'y')).rejects.toThrow('no master key is given');
  });

  it.each([
    ['a bit was flipped', 'set sealed = set_byte(sealed, 40, get_byte(sealed, 40) # 1)'],
    ['its nonce was changed', 'set sealed = set_byte(sealed, 1, get_byte(sealed, 1) # 1)'],
    ['it was cut', 'set sealed = substring(sealed for 20)'],
    ['its tag was cut', 'set sealed = substring(sealed for 28)'],
    ['it is of a layout to come', 'set sealed = set_byte(sealed, 0, 2)'],
    ['it was moved to another name', "set name = 'moved'"],
    ['it was moved to another version', 'set version = 7'],
  ])('when %s', async (_what, edit) => {
    await book().set(tenant, 'edited', 'a value of some length');
    await change(`update public.tenant_secrets ${edit} where tenant_id = $1 and name = 'edited'`);
    const name = edit.includes('moved') ? 'moved' : 'edited';
    await expect(reader().values(tenant, name)).rejects.toMatchObject({ code: 'RAE_SECRET_UNREADABLE' });
    await change("delete from public.tenant_secrets where tenant_id = $1 and name in ('edited', 'moved')");
  });

  it('when it was moved to another tenant, with its data key too', async () => {
    const [from, to] = [await addTenant(database()), await addTenant(database())];
    await book().set(from, 'stolen', 'x');
    await book().set(to, 'mine', 'y');
    await database().admin('update public.tenant_secrets set tenant_id = $2 where tenant_id = $1', [from, to]);
    await expect(reader().values(to, 'stolen')).rejects.toThrow('belongs to another tenant, name or version');
    await database().admin('delete from public.tenant_data_keys where tenant_id = $1', [to]);
    await database().admin('update public.tenant_data_keys set tenant_id = $2 where tenant_id = $1', [from, to]);
    await expect(reader().values(to, 'stolen')).rejects.toThrow('belongs to another tenant');
  });
});

describe('a secret that is rotated', () => {
  it('has both values for the time that was said, the newest first, and then the new one alone', async () => {
    await book().set(tenant, 'turning', 'old');
    expect(await book().rotate(tenant, 'turning', 'new', 3_600)).toMatchObject({ version: 2 });
    expect(await reader().values(tenant, 'turning')).toEqual(['new', 'old']);
    expect((await book().list(tenant)).filter(({ name }) => name === 'turning')).toMatchObject([
      { version: 2, valid_until: null },
      { version: 1, valid_until: expect.any(Date) },
    ]);
    await database().admin(
      "update public.tenant_secrets set valid_until = now() where tenant_id = $1 and name = 'turning' and version = 1",
      [tenant],
    );
    expect(await reader().values(tenant, 'turning')).toEqual(['new']);
  });

  it('loses the old value at once when it is set', async () => {
    await book().set(tenant, 'leaked', 'old');
    await book().rotate(tenant, 'leaked', 'newer', 3_600);
    await book().set(tenant, 'leaked', 'newest');
    expect(await reader().values(tenant, 'leaked')).toEqual(['newest']);
    const rows = await database().admin("select version from public.tenant_secrets where name = 'leaked'");
    expect(rows).toEqual([{ version: 3 }]);
  });

  it('must be there', async () => {
    await expect(book().rotate(tenant, 'no.such', 'x', 0)).rejects.toMatchObject({ code: 'RAE_NOT_FOUND' });
  });
});

describe('a master key that is rotated', () => {
  it('wraps the data keys anew, so that the old one may go', async () => {
    const id = await addTenant(database());
    await book(k1).set(id, 'kept', 'value');
    const both = `${k2},${k1}`;
    expect(await reader(both).values(id, 'kept')).toEqual(['value']);
    expect(await book(both).rewrap(id)).toBe(true);
    expect(await book(both).rewrap(id)).toBe(false);
    expect(await reader(k2).values(id, 'kept')).toEqual(['value']);
    await expect(reader(k1).values(id, 'kept')).rejects.toThrow('under the master key k2');
    expect(await book(both).rewrap(await addTenant(database()))).toBe(false);
  });
});
