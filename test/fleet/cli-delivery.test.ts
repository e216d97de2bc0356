import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { MasterKeys } from '../../src/secrets/master-keys.ts';
import { SecretBook } from '../../src/secrets/secret-book.ts';
import { useDatabase } from '../support/database.ts';
import { deliver, MASTER_KEYS, readMessage, sendMessage } from '../support/delivering.ts';
import { startRae, useProcesses } from '../support/processes.ts';
import { useReceiver } from '../support/receiver.ts';
import { addTenant } from '../support/tenants.ts';

useProcesses();
const database = useDatabase();
const receiver = useReceiver();
const folder = mkdtempSync(join(tmpdir(), 'rae-secret-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Runs `rae` to its end as the superuser, who is a member of every role. */
async function rae(args: readonly string[], env: Readonly<Record<string, string>> = { RAE_MASTER_KEYS: MASTER_KEYS }) {
  const started = startRae(args, {
    RAE_DATABASE_URL: database().url('admin'),
    RAE_REDIS_URL: 'redis://127.0.0.1:1',
    ...env,
  });
  const { code } = await started.ended();
  return { code, out: started.out, err: started.err };
}

async function json(...args: readonly string[]): Promise<Record<string, unknown>> {
  const { code, out, err } = await rae([...args, '--json']);
  expect({ code, err }).toMatchObject({ code: 0 });
  return JSON.parse(out) as Record<string, unknown>;
}

/** A file that holds a value. */
function file(value: string): string {
  const path = join(folder, `${value.length}.txt`);
  writeFileSync(path, value);
  return path;
}

const values = (tenantId: string, name: string) =>
  new SecretBook(database().tenants(), new MasterKeys(MASTER_KEYS)).values(tenantId, name);

describe('a secret by command', () => {
  it('is set from a file and is shown nowhere', async () => {
    const tenant = await addTenant(database());
    const { code, out, err } = await rae([
      'secret',
      'set',
      'crm.token',
      '--tenant',
      tenant,
      '--file',
      file('s3cr3t-value\n'),
    ]);
    expect({ code, out, err }).toEqual({ code: 0, out: 'crm.token is sealed as version 1\n', err: '' });
    expect(await values(tenant, 'crm.token')).toEqual(['s3cr3t-value']);
    const listed = await rae(['secret', 'list', '--tenant', tenant]);
    expect(listed.out).toMatch(/crm\.token +1 /);
    expect(listed.out).not.toContain('s3cr3t');
  });

  it('is made, shown once, and stays valid for a while when it is rotated', async () => {
    const tenant = await addTenant(database());
    const first = await json('secret', 'set', 'hook', '--tenant', tenant, '--generate');
    expect(first).toMatchObject({
      name: 'hook',
      version: 1,
      value: expect.stringMatching(/^whsec_[A-Za-z0-9+/]{43}=$/),
    });
    const second = await json('secret', 'rotate', 'hook', '--tenant', tenant, '--generate', '--keep-hours', '2');
    expect(await values(tenant, 'hook')).toEqual([second.value, first.value]);
    await json('secret', 'set', 'hook', '--tenant', tenant, '--generate');
    expect(await values(tenant, 'hook')).toHaveLength(1);
  });

  it('is refused with what is wrong, and never repeated', async () => {
    const tenant = await addTenant(database());
    const set = ['secret', 'set', 'hook', '--tenant', tenant, '--file', file('hidden')];
    expect(await rae(set, {})).toMatchObject({ code: 4, err: expect.stringContaining('no master key is given') });
    expect(await rae(['secret', 'rotate', 'hook', '--tenant', tenant, '--generate'])).toMatchObject({ code: 3 });
    expect(await rae(['secret', 'rotate', '--generate'])).toMatchObject({ code: 2 });
    expect(await rae(['secret', 'set', 'Hook!', '--tenant', tenant, '--generate'])).toMatchObject({ code: 2 });
    const nobody = await rae(['secret', 'list', '--tenant', '3f2a8c54-1f7e-4c0b-9a53-0d7e2b1c9f10']);
    expect(nobody).toMatchObject({ code: 3 });
    const wrong = await rae(set, { RAE_MASTER_KEYS: 'k1:hidden' });
    expect(wrong).toMatchObject({ code: 2, err: expect.stringContaining('value not shown') });
    expect(wrong.err).not.toContain('hidden');
  });

  it('has its data key wrapped by the newest master key, for all tenants at once', async () => {
    const tenant = await addTenant(database());
    await json('secret', 'set', 'hook', '--tenant', tenant, '--generate');
    const newer = `newer:${Buffer.alloc(32, 9).toString('base64')}`;
    const both = await rae(['secret', 'rotate', '--master', '--json'], { RAE_MASTER_KEYS: `${newer},${MASTER_KEYS}` });
    expect(JSON.parse(both.out)).toMatchObject({ rewrapped: expect.any(Number) });
    const [row] = await database().admin('select distinct master_key from public.tenant_data_keys');
    expect(row).toEqual({ master_key: 'newer' });
    const opened = new SecretBook(database().tenants(), new MasterKeys(newer));
    expect(await opened.values(tenant, 'hook')).toHaveLength(1);
  });
});

describe('messages by command', () => {
  it('are listed with what became of them, without the secrets in a URL, and are sent again', async () => {
    const tenant = await addTenant(database());
    receiver().answers('/gone/t0ken', 410);
    const id = await sendMessage(database(), tenant, { type: 'webhook', url: receiver().url('/gone/t0ken?k=v') });
    receiver().answers('/gone/t0ken?k=v', 410);
    await deliver(database(), tenant);
    const listed = await json('message', 'list', '--tenant', tenant, '--state', 'dead');
    expect(listed.messages).toMatchObject([
      { message_id: id, state: 'dead', reason: 'gone', attempts: 1, last_error: 'the receiver answered 410' },
    ]);
    const text = await rae(['message', 'list', '--tenant', tenant]);
    expect(text.out).toContain('dead: gone');
    expect(`${text.out}${JSON.stringify(listed)}`).not.toMatch(/t0ken|k=v/);

    await database().admin('delete from public.due_hints');
    expect(await json('message', 'retry', id, '--tenant', tenant)).toMatchObject({ retried: 1 });
    expect(await database().admin('select kind from public.due_hints')).toEqual([{ kind: 'message' }]);
    receiver().answers('/gone/t0ken?k=v', 200);
    await deliver(database(), tenant);
    expect(await readMessage(database(), id)).toMatchObject({ state: 'delivered' });
    expect(await rae(['message', 'retry', id, '--tenant', tenant])).toMatchObject({ code: 4 });
    expect(await json('message', 'retry', '--all', '--tenant', tenant)).toMatchObject({ retried: 0 });
    expect(await rae(['message', 'retry', '--tenant', tenant])).toMatchObject({ code: 2 });
    expect(await rae(['message', 'list', '--tenant', tenant, '--state', 'died'])).toMatchObject({
      code: 2,
      err: expect.stringContaining('expected one of pending, sending, delivered, dead'),
    });
  });
});
