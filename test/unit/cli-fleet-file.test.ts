import { existsSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { findFleet } from '../../src/cli/address.ts';
import { type FleetFile, readFleetFile, removeFleetFile, writeFleetFile } from '../../src/cli/fleet-file.ts';
import { lastDataDir, rememberDataDir } from '../../src/cli/last-fleet.ts';
import { loadConfig } from '../../src/config/config.ts';

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'rae-cli-'));
});
afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

const fleet = (pid = process.pid): FleetFile => ({
  version: 1,
  pid,
  startedAt: '2026-11-23T12:00:00.000Z',
  urls: { owner: 'pg://o', scheduler: 'pg://s', worker: 'pg://w', api: 'pg://a', operator: 'pg://p' },
  redisUrl: 'redis://r',
  metricsPorts: { scheduler: 4_000 },
});

const find = (variables: Record<string, string>, data?: string) =>
  findFleet({ config: loadConfig(variables).config, data, env: { XDG_STATE_HOME: join(folder, 'state') } });

describe('the file by which a fleet is found', () => {
  it('holds what was written, for nobody but its owner, and leaves no draft behind', () => {
    writeFleetFile(folder, fleet());
    expect(readFleetFile(folder)).toEqual(fleet());
    expect(statSync(join(folder, 'fleet.json')).mode & 0o777).toBe(0o600);
    expect(readdirSync(folder)).toEqual(['fleet.json']);
  });

  it('is taken back by the fleet it announces and by no other', () => {
    writeFleetFile(folder, fleet(1));
    removeFleetFile(folder, 2);
    expect(existsSync(join(folder, 'fleet.json'))).toBe(true);
    removeFleetFile(folder, 1);
    expect(existsSync(join(folder, 'fleet.json'))).toBe(false);
    removeFleetFile(folder, 1);
  });

  it.each(['', '{', 'null', '{"version":2}', '{"version":1,"pid":"x"}'])('is no fleet when it holds %j', (text) => {
    writeFileSync(join(folder, 'fleet.json'), text);
    expect(readFleetFile(folder)).toBeUndefined();
  });
});

describe('a command', () => {
  it('finds the fleet of RAE_DATABASE_URL before any other, by its direct address', () => {
    writeFleetFile(folder, fleet());
    const pooled = 'postgres://u@pooler/rae';
    expect(find({ RAE_DATABASE_URL: pooled }, folder)).toMatchObject({
      from: 'RAE_DATABASE_URL',
      pooledUrl: undefined,
    });
    const direct = find({ RAE_DATABASE_URL: pooled, RAE_DATABASE_DIRECT_URL: 'postgres://u@db/rae' });
    expect(direct.url('rae_operator')).toBe('postgres://u@db/rae');
    expect(direct.pooledUrl).toBe(pooled);
  });

  it('finds the fleet of --data, else of RAE_DATA, else the last one used', () => {
    expect(() => find({})).toThrow('no database was named, and rae up was never run here');
    writeFleetFile(folder, fleet());
    expect(find({}, folder).url('rae_operator')).toBe('pg://p');
    expect(find({ RAE_DATA: folder }).redisUrl).toBe('redis://r');
    const env = { XDG_STATE_HOME: join(folder, 'state') };
    rememberDataDir(env, folder);
    expect(lastDataDir(env)).toBe(folder);
    expect(find({}).from).toBe(folder);
  });

  it('is told that there is none: nothing started there, or it does not run any more', () => {
    const nothing = join(folder, 'nothing');
    expect(() => find({}, nothing)).toThrow(`no fleet was started in ${nothing}`);
    writeFleetFile(folder, fleet(2 ** 30));
    expect(() => find({}, folder)).toThrow(`the fleet in ${folder} does not run any more`);
  });

  it('goes on without a memory where the home cannot be written', () => {
    writeFileSync(join(folder, 'file'), '');
    const env = { XDG_STATE_HOME: join(folder, 'file') };
    rememberDataDir(env, folder);
    expect(lastDataDir(env)).toBeUndefined();
  });
});
