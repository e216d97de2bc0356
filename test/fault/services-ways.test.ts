import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { eraseServices } from '../../src/embedded/fresh.ts';
import { resolveServices, type Services, type ServicesRequest } from '../../src/embedded/services.ts';
import { connected } from '../support/server.ts';

let root: string;
const started: Services[] = [];

beforeEach(() => {
  root = realpathSync(mkdtempSync(join(tmpdir(), 'rae-ways-')));
  // Open to the user whom root's servers run as, so that the data lies in the folder itself.
  chmodSync(root, 0o755);
});

afterEach(async () => {
  await Promise.all(started.splice(0).map((services) => services.stop()));
  for (const name of readdirSync(root)) await eraseServices(join(root, name), () => undefined);
  rmSync(root, { recursive: true });
});

async function start(name: string, change: Partial<ServicesRequest> = {}): Promise<Services> {
  const request = {
    dataDir: join(root, name),
    purpose: 'test',
    env: process.env,
    say: () => undefined,
    ...change,
  } as const;
  const services = await resolveServices(request);
  started.push(services);
  return services;
}

it('two fleets at once have servers of their own', async () => {
  const [one, other] = await Promise.all([start('one'), start('other')]);
  expect(one.postgres.url).not.toBe(other.postgres.url);
  expect(one.redis.url).not.toBe(other.redis.url);
  await connected(one.postgres.url, (client) => client.query('create table mine ()'));
  const { rows } = await connected(other.postgres.url, (client) => client.query("select to_regclass('mine') as mine"));
  expect(rows).toEqual([{ mine: null }]);
});

it('a service that is given is used, and only the other one is started', async () => {
  const one = await start('one');
  const lines: string[] = [];
  const other = await start('other', { postgresUrl: one.postgres.url, say: (line) => lines.push(line) });
  expect(other.postgres).toMatchObject({ via: 'url', url: one.postgres.url });
  expect(other.redis.via).not.toBe('url');
  expect(lines.join('\n')).toMatch(/Postgres at 127\.0\.0\.1:\d+, as given/);
  const both = await start('none', { postgresUrl: one.postgres.url, redisUrl: one.redis.url });
  expect(both.redis).toMatchObject({ via: 'url', version: one.redis.version });
  expect(existsSync(join(root, 'none'))).toBe(false);
  await both.stop();
  await connected(one.postgres.url, (client) => client.query('select 1'));
});

it('a given service that does not answer is an error, and nothing is started in its place', async () => {
  const postgresUrl = 'postgres://ann:secret@127.0.0.1:1/rae';
  await expect(start('one', { postgresUrl })).rejects.toMatchObject({
    code: 'RAE_DATABASE_UNREACHABLE',
    message: expect.stringContaining('127.0.0.1:1'),
  });
  await expect(start('one', { redisUrl: 'redis://127.0.0.1:1' })).rejects.toMatchObject({
    code: 'RAE_REDIS_UNREACHABLE',
  });
  expect(existsSync(join(root, 'one'))).toBe(false);
});

it('a given Redis that refuses the password is an error that says so', async () => {
  const one = await start('one');
  for (const redisUrl of [one.redis.url.replace(/:[^:@]*@/, ':wrong@'), one.redis.url.replace(/\/\/.*@/, '//')]) {
    await expect(start('two', { redisUrl })).rejects.toMatchObject({
      code: 'RAE_REDIS_UNREACHABLE',
      message: expect.stringMatching(/127\.0\.0\.1:\d+, (?:refuses the user or password|wants a password)/),
    });
  }
});

it('data of another major version is refused and left as it is', async () => {
  const first = await start('one', { purpose: 'keep' });
  await first.stop();
  const version = join(root, 'one/postgres/PG_VERSION');
  writeFileSync(version, '9\n');
  await expect(start('one', { purpose: 'keep' })).rejects.toMatchObject({
    code: 'RAE_DATA_DIR_UNUSABLE',
    message: expect.stringMatching(/made by Postgres 9; found here: \d+/),
  });
  writeFileSync(version, `${Number.parseInt(first.postgres.version, 10)}\n`);
  await start('one', { purpose: 'keep' });
});

it('a data directory that cannot be made is an error that names it', async () => {
  writeFileSync(join(root, 'file'), '');
  await expect(start('file/below')).rejects.toMatchObject({
    code: 'RAE_DATA_DIR_UNUSABLE',
    message: expect.stringContaining(join(root, 'file/below')),
  });
  rmSync(join(root, 'file'));
});

it('data that somebody else made is neither used nor erased', async () => {
  const foreign = join(root, 'foreign');
  mkdirSync(join(foreign, 'redis'), { recursive: true });
  const refusal = { code: 'RAE_DATA_DIR_UNUSABLE', message: expect.stringContaining('was not made by rae') };
  await expect(start('foreign', { purpose: 'keep' })).rejects.toMatchObject(refusal);
  await expect(eraseServices(foreign, () => undefined)).rejects.toMatchObject(refusal);
  expect(readdirSync(foreign)).toEqual(['redis']);
  rmSync(foreign, { recursive: true });
});

it.skipIf(!existsSync('/proc/self'))(
  'a folder that no folder can be made in is an error, not an endless loop',
  async () => {
    await expect(eraseServices('/proc/rae/data', () => undefined)).rejects.toMatchObject({
      code: 'RAE_DATA_DIR_UNUSABLE',
      message: expect.stringContaining('/proc/rae'),
    });
  },
);

it('a lost password is replaced', async () => {
  const first = await start('one', { purpose: 'keep' });
  await first.stop();
  rmSync(join(root, 'one/postgres.password'));
  const second = await start('one', { purpose: 'keep' });
  expect(second.postgres.url).not.toBe(first.postgres.url);
  await connected(second.postgres.url, (client) => client.query('select 1'));
  expect(second.postgres.version).toBe(first.postgres.version);
});

it('erasing removes all that was kept', async () => {
  await (await start('one', { purpose: 'keep' })).stop();
  await eraseServices(join(root, 'one'), () => undefined);
  expect(readdirSync(join(root, 'one'))).toEqual([]);
});
