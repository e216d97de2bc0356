import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { useDatabase } from '../support/database.ts';
import { FLEET_ROLES } from '../support/login-role.ts';
import { startRae, useProcesses } from '../support/processes.ts';
import { useRedis } from '../support/redis.ts';
import { urlWith } from '../support/server.ts';

useProcesses();
const database = useDatabase();
const redis = useRedis();

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'rae-given-'));
});
afterEach(async () => {
  rmSync(dir, { recursive: true, force: true });
  const made = await database().admin<{ name: string }>(
    "select rolname as name from pg_catalog.pg_roles where rolname ~ '^rae_(scheduler|worker|api|operator)_[0-9a-f]{8}$'",
  );
  for (const { name } of made) await database().admin(`drop role ${name}`);
});

/** `rae up --once` in a folder that is not there yet, on the services of this file but for `changes`. */
function upOnce(changes: Readonly<Record<string, string>> = {}) {
  const env = { RAE_DATABASE_URL: database().url('admin'), RAE_REDIS_URL: redis(), XDG_STATE_HOME: dir, ...changes };
  return startRae(['up', '--once', '--json', '--tenants', '3', '--memories', '30', '--data', join(dir, 'data')], env);
}

it('rae up uses services that are given, and a folder that is not there yet', async () => {
  const up = upOnce();
  expect(await up.ended(60_000)).toMatchObject({ code: 0 });
  expect(JSON.parse(up.out)).toMatchObject({
    ok: true,
    services: { postgres: { via: 'url', version: expect.stringMatching(/^\d+\.\d+$/) }, redis: { via: 'url' } },
    tenants: 3,
    wakes: expect.any(Array),
    receiver: { url: expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+\/hook$/) },
  });
});

it('two at once in one folder are refused, also where both services are given', async () => {
  const first = upOnce();
  await first.line(/^health: /, 60_000);
  const second = upOnce();
  expect(await second.ended()).toMatchObject({ code: 1 });
  expect(second.err).toContain(`is in use by process ${first.pid}`);
  expect(await first.ended(60_000)).toMatchObject({ code: 0 });
});

it('a Redis that cannot be used is refused before anything is made', async () => {
  const url = new URL(redis());
  url.pathname = '/999';
  const up = upOnce({ RAE_REDIS_URL: url.href });
  expect(await up.ended()).toMatchObject({ code: 1 });
  expect(up.err).toMatch(/^error: Redis at .*DB index is out of range$/m);
  expect(up.err).not.toContain('schema:');
  expect(existsSync(join(dir, 'data', 'fleet.json'))).toBe(false);
});

it('a port that is taken is told before anything is started', async () => {
  const taken = createServer().listen(0, '127.0.0.1');
  await once(taken, 'listening');
  const { port } = taken.address() as AddressInfo;
  const up = startRae(['up', '--port', String(port), '--data', join(dir, 'data')], { XDG_STATE_HOME: dir });
  try {
    expect(await up.ended()).toMatchObject({ code: 1 });
  } finally {
    taken.close();
  }
  expect(up.err).toContain(`error: port ${port} on 127.0.0.1 is taken by another process\nchoose another --port`);
  expect(existsSync(join(dir, 'data'))).toBe(false);
});

/** A login with nothing but a database of its own and the right to make roles; its password needs escaping. */
async function mereOwner(work: (url: string) => Promise<void>): Promise<void> {
  const [name, password] = [`own_${database().name}`, 'p@:/?#%& ü'];
  await database().admin(`create role ${name} login createrole password '${password}'`);
  await database().admin(`grant ${FLEET_ROLES.join(', ')} to ${name} with admin option`);
  await database().admin(`create database ${name} owner ${name}`);
  try {
    await work(urlWith(database().url('admin'), { user: name, password, database: name }));
  } finally {
    await database().admin(`drop database ${name} with (force)`);
    const made = await database().admin<{ name: string }>(
      `select rolname as name from pg_catalog.pg_roles where rolname ~ '^rae_[a-z]+_[0-9a-f]{8}$'`,
    );
    for (const role of [...made, { name }]) {
      await database().admin(`drop owned by ${role.name} cascade`);
      await database().admin(`drop role ${role.name}`);
    }
  }
}

it('the owner of a database may bring a fleet up, and use the commands with the same URL', () =>
  mereOwner(async (url) => {
    const up = upOnce({ RAE_DATABASE_URL: url });
    expect(await up.ended(60_000)).toMatchObject({ code: 0 });
    const list = startRae(['tenant', 'list', '--json'], { RAE_DATABASE_URL: url, XDG_STATE_HOME: dir });
    expect(await list.ended()).toMatchObject({ code: 0 });
    expect(JSON.parse(list.out)).toMatchObject({ tenants: [{}, {}, {}] });
  }));
