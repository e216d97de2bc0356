import { existsSync, mkdtempSync, readdirSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Redis } from 'ioredis';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { eraseServices } from '../../src/embedded/fresh.ts';
import { resolveServices, type Services } from '../../src/embedded/services.ts';
import { eventually } from '../support/eventually.ts';
import { startProgram, type TestProcess, useProcesses } from '../support/processes.ts';
import { connected } from '../support/server.ts';

const built = fileURLToPath(new URL('../../.build/src/embedded/services.js', import.meta.url));
const OWNER = `
  const { resolveServices } = await import(process.argv[1]);
  const [, , dataDir, purpose] = process.argv;
  const say = (line) => console.log('says', line);
  const services = await resolveServices({ dataDir, purpose, env: process.env, say });
  console.log('ready', JSON.stringify(services));
  process.on('SIGTERM', () => services.stop().then(() => process.exit(0)));
  if (process.argv[4] !== 'leave') setInterval(() => undefined, 1_000);
`;

let dataDir: string;
const started: Services[] = [];

beforeEach(() => {
  dataDir = join(realpathSync(mkdtempSync(join(tmpdir(), 'rae services '))), 'data');
});

afterEach(async () => {
  await Promise.all(started.splice(0).map((services) => services.stop()));
  await eventually(() => processes().length === 0 || undefined, {
    what: 'every server to end',
    seen: () => processes().join('\n'),
  });
  await eraseServices(dataDir, () => undefined);
  rmSync(join(dataDir, '..'), { recursive: true });
});

// Below the hook above, so that it runs first: owners end before their servers are looked for.
useProcesses();

/** The command lines of everything that runs on this test's data: servers, their parts and guardians. */
function processes(): readonly string[] {
  const place = existsSync(join(dataDir, 'place')) ? readFileSync(join(dataDir, 'place'), 'utf8').trim() : dataDir;
  const numbers = readdirSync('/proc').filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid);
  return numbers.flatMap((pid) => {
    try {
      const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim();
      const isHere = realpathSync(`/proc/${pid}/cwd`).startsWith(place) || command.includes(place);
      return isHere && !command.includes('services.js') ? [`${pid} ${command}`] : [];
    } catch {
      return [];
    }
  });
}

async function start(purpose: 'keep' | 'test', change = {}): Promise<Services> {
  const services = await resolveServices({ dataDir, purpose, env: process.env, say: () => undefined, ...change });
  started.push(services);
  return services;
}

/** A process of its own that has the services; resolves when they answer. */
async function owner(
  purpose: 'keep' | 'test',
  then = 'stay',
): Promise<{ readonly process: TestProcess; readonly services: Services }> {
  const process_ = startProgram(process.execPath, ['--input-type=module', '-e', OWNER, built, dataDir, purpose, then]);
  const line = await process_.line(/^ready /, 120_000);
  return { process: process_, services: JSON.parse(line.slice(6)) as Services };
}

const query = async (services: Services, statement: string): Promise<unknown[]> =>
  await connected(services.postgres.url, async (client) => (await client.query(statement)).rows);

async function redis<T>(services: Services, work: (client: Redis) => Promise<T>): Promise<T> {
  const client = new Redis(services.redis.url, { lazyConnect: true });
  await client.connect();
  try {
    return await work(client);
  } finally {
    client.disconnect();
  }
}

describe('services that are simply there', () => {
  it('answer with the settings they are meant to have, and stopping them leaves no process', async () => {
    const services = await start('keep');
    expect(await query(services, "select current_database() as name, current_setting('jit') as jit")).toEqual([
      { name: 'rae', jit: 'off' },
    ]);
    expect(await query(services, "select current_setting('fsync') as fsync")).toEqual([{ fsync: 'on' }]);
    expect(await redis(services, (client) => client.config('GET', 'maxmemory-policy'))).toEqual([
      'maxmemory-policy',
      'noeviction',
    ]);
    expect(await redis(services, (client) => client.config('GET', 'appendonly'))).toEqual(['appendonly', 'yes']);
    expect(processes().length).toBeGreaterThan(0);
    await Promise.all([services.stop(), services.stop()]);
    await services.stop();
    expect(processes()).toEqual([]);
  });

  it('are closed to who has no password, and never print it', async () => {
    const lines: string[] = [];
    const services = await start('test', { say: (line: string) => lines.push(line) });
    const anonymous = (url: string) => url.replace(/:[^:@]*@/, ':wrong@');
    await expect(
      query({ ...services, postgres: { ...services.postgres, url: anonymous(services.postgres.url) } }, 'select 1'),
    ).rejects.toThrow('password');
    const { password } = new URL(services.redis.url);
    expect(lines.join('\n')).toContain(services.redis.says);
    expect(lines.join('\n')).not.toContain(password);
    expect(lines.join('\n')).not.toContain(new URL(services.postgres.url).password);
    expect(processes().join('\n')).not.toContain(password);
  });

  it('keep their data from one start to the next', async () => {
    const first = await start('keep');
    await query(first, 'create table kept as select 7 as value');
    await redis(first, (client) => client.set('kept', 'seven'));
    await first.stop();
    const second = await start('keep');
    expect(await query(second, 'select value from kept')).toEqual([{ value: 7 }]);
    expect(await redis(second, (client) => client.get('kept'))).toBe('seven');
  });

  it('of a test leave nothing behind', async () => {
    const services = await start('test');
    await services.stop();
    expect(readdirSync(dataDir)).toEqual([]);
  });

  it('are refused to a second owner of the same data, who is told the first', async () => {
    const first = await owner('keep');
    await expect(start('keep')).rejects.toMatchObject({
      code: 'RAE_DATA_DIR_UNUSABLE',
      message: expect.stringContaining(`process ${first.process.pid}`),
    });
    expect(await query(first.services, 'select 1 as still')).toEqual([{ still: 1 }]);
  });

  it('that are to be kept are never taken for a test', async () => {
    await (await start('keep')).stop();
    await expect(start('test')).rejects.toMatchObject({ code: 'RAE_DATA_DIR_UNUSABLE' });
    expect(existsSync(join(dataDir, 'postgres.password'))).toBe(true);
  });
});

describe('an owner that dies', () => {
  it('by kill -9 takes its servers along, and the next start has all data', async () => {
    const first = await owner('keep');
    await query(first.services, 'create table kept as select 7 as value');
    await redis(first.services, (client) => client.set('kept', 'seven'));
    first.process.kill('SIGKILL');
    await eventually(() => processes().length === 0 || undefined, { what: 'the servers to end', withinMs: 20_000 });
    const second = await start('keep');
    expect(await query(second, 'select value from kept')).toEqual([{ value: 7 }]);
    expect(await redis(second, (client) => client.get('kept'))).toBe('seven');
  });

  it('by kill -9 can be followed at once, while its servers are still ending', async () => {
    const first = await owner('keep');
    await query(first.services, 'create table kept as select g as value from generate_series(1, 200000) g');
    first.process.kill('SIGKILL');
    await first.process.ended();
    const second = await start('keep');
    expect(await query(second, 'select count(*)::int as count from kept')).toEqual([{ count: 200_000 }]);
  });

  it('with a test is followed by one that begins anew', async () => {
    const first = await owner('test');
    await query(first.services, 'create table torn ()');
    first.process.kill('SIGKILL');
    await first.process.ended();
    const second = await start('test');
    expect(await query(second, "select to_regclass('torn') as torn")).toEqual([{ torn: null }]);
  });

  it('without stopping them, because it has nothing left to do, is not kept alive by them', async () => {
    const first = await owner('keep', 'leave');
    expect(await first.process.ended()).toEqual({ code: 0, signal: null });
    await eventually(() => processes().length === 0 || undefined, { what: 'the servers to end', withinMs: 20_000 });
  });

  it('with its guardians is cleaned up after by the next start', async () => {
    const first = await owner('keep');
    await query(first.services, 'create table kept as select 7 as value');
    const guardians = processes().filter((line) => line.includes('/bin/sh -c'));
    expect(guardians.length).toBeGreaterThanOrEqual(4);
    first.process.kill('SIGSTOP');
    for (const line of guardians) process.kill(Number(line.split(' ')[0]), 'SIGKILL');
    first.process.kill('SIGKILL');
    await first.process.ended();
    expect(processes().some((line) => line.includes('postgres'))).toBe(true);
    const lines: string[] = [];
    const second = await start('keep', { say: (line: string) => lines.push(line) });
    expect(lines.join('\n')).toMatch(/ending the Postgres that a killed fleet left behind/);
    expect(await query(second, 'select value from kept')).toEqual([{ value: 7 }]);
  });
});

describe('what an earlier owner wrote down', () => {
  it('does not harm a process that merely has the number now', async () => {
    await (await start('keep')).stop();
    const stranger = startProgram('/bin/sleep', ['600']);
    const [line] = readFileSync(`/proc/${stranger.pid}/stat`, 'utf8').split('\n');
    expect(line).toContain('sleep');
    const stamp = JSON.stringify([{ pid: stranger.pid, started: 'another boot:1' }]);
    for (const name of ['owner.json', 'postgres.json', 'redis.json']) writeFileSync(join(dataDir, name), stamp);
    const place = existsSync(join(dataDir, 'place')) ? readFileSync(join(dataDir, 'place'), 'utf8').trim() : dataDir;
    writeFileSync(
      join(place, 'postgres/postmaster.pid'),
      `${stranger.pid}\n${place}/postgres\n1\n5432\n\n127.0.0.1\n\n`,
    );
    const services = await start('keep');
    expect(await query(services, 'select 1 as answer')).toEqual([{ answer: 1 }]);
    expect(stranger.exit).toBeUndefined();
  });
});
