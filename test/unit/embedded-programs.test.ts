import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { arch, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { serverIdentity } from '../../src/embedded/identity.ts';
import { missingIn, packagesFor } from '../../src/embedded/libraries.ts';
import { postgresFolders, programsNamed } from '../../src/embedded/on-path.ts';
import { findRedis } from '../../src/embedded/redis-program.ts';
import { quoted, redisConf } from '../../src/embedded/redis-server.ts';

let root: string;

beforeEach(() => {
  root = realpathSync(mkdtempSync(join(tmpdir(), 'rae programs ')));
  chmodSync(root, 0o755);
});

afterEach(() => {
  rmSync(root, { recursive: true });
});

/** A program that prints `says` and ends with `code`. */
function program(path: string, says: string, code = 0): string {
  const file = join(root, path);
  mkdirSync(join(file, '..'), { recursive: true });
  writeFileSync(file, `#!/bin/sh\necho '${says}'\nexit ${code}\n`, { mode: 0o755 });
  return file;
}

const search = (path: string) => ({
  env: { PATH: path },
  identity: serverIdentity(join(root, 'none')),
  cache: async () => join(root, 'cache'),
  say: () => undefined,
});

it('programs are found in the order of the PATH, whatever is wrong with parts of it', () => {
  const first = program('first one/redis-server', '');
  const second = program('second/redis-server', '');
  mkdirSync(join(root, 'third/redis-server'), { recursive: true });
  const path = [
    '',
    '.',
    'relative',
    join(root, 'absent'),
    join(root, 'first one'),
    join(root, 'third'),
    join(root, 'second'),
  ];
  expect(programsNamed('redis-server', { PATH: path.join(':') })).toEqual([first, second]);
  expect(programsNamed('redis-server', {})).toEqual([]);
});

it('a linked postgres brings the initdb along that lies beside the real one', () => {
  program('lib/15/bin/postgres', '');
  program('lib/15/bin/initdb', '');
  mkdirSync(join(root, 'bin'));
  symlinkSync(join(root, 'lib/15/bin/postgres'), join(root, 'bin/postgres'));
  expect(postgresFolders({ PATH: join(root, 'bin') })[0]).toBe(join(root, 'lib/15/bin'));
});

it('the first Redis on the PATH that runs and is new enough is taken, Valkey before Redis', async () => {
  mkdirSync(join(root, 'cache'));
  program('a/redis-server', 'Redis server v=6.0.16 sha=0');
  program('b/redis-server', 'Redis server v=7.0.15 sha=0', 127);
  const good = program('c/redis-server', 'Redis server v=7.0.15 sha=0');
  const path = ['a', 'b', 'c'].map((name) => join(root, name)).join(':');
  expect(await findRedis(search(path))).toMatchObject({ via: 'path', file: good });
  const valkey = program('c/valkey-server', 'Valkey server v=8.1.1 sha=0');
  expect(await findRedis(search(path))).toMatchObject({ via: 'path', file: valkey, version: { text: '8.1.1' } });
});

it('without one on the PATH, the newest unpacked earlier is taken; half an unpacking is passed over', async () => {
  program(`cache/redis-7.0.15-${arch()}/usr/bin/redis-server`, 'Redis server v=7.0.15 sha=0');
  const newest = program(`cache/redis-7.2.4-${arch()}/usr/bin/redis-server`, 'Redis server v=7.2.4 sha=0');
  program(`cache/redis-8.0.0-${arch()}/usr/bin/redis-server`, 'libjemalloc.so.2: cannot open', 127);
  program(`cache/redis-9.0.0-${arch()}.making-00/usr/bin/redis-server`, 'Redis server v=9.0.0 sha=0');
  expect(await findRedis(search(join(root, 'empty')))).toMatchObject({ via: 'cache', file: newest });
});

it('where there is no way to a Redis, every way tried and every command that helps is named', async () => {
  mkdirSync(join(root, 'cache'));
  program('a/redis-server', 'Redis server v=5.0.14 sha=0');
  await expect(findRedis(search(join(root, 'a')))).rejects.toMatchObject({
    code: 'RAE_SERVICE_UNAVAILABLE',
    message: expect.stringMatching(/5\.0\.14 is older than 6\.2.*earlier unpacking.*no apt-get and dpkg/s),
    hint: expect.stringMatching(/apt-get install.*dnf install.*brew install.*docker run.*RAE_REDIS_URL/s),
  });
  expect(readdirSync(join(root, 'cache'))).toEqual([]);
});

it('libraries that are missing are named, with the packages that hold them', () => {
  const ldd =
    '\tlinux-vdso.so.1 (0x1)\n\tlibjemalloc.so.2 => not found\n\tlibm.so.6 => /lib/libm.so.6 (0x2)\n\tlibssl.so.3 => not found\n';
  expect(missingIn(ldd)).toEqual(['libjemalloc.so.2', 'libssl.so.3']);
  expect(missingIn(ldd).flatMap(packagesFor)).toEqual(['libjemalloc2', 'libssl3t64', 'libssl3']);
  expect(packagesFor('libunheardof.so.1')).toEqual([]);
});

it('a path with spaces, quotes and backslashes stands in redis.conf as it is', () => {
  expect(quoted('/a b/"c"\\d')).toBe('"/a b/\\"c\\"\\\\d"');
  expect(redisConf('/data', 7000, 'pw', 'keep')).toContain('appendonly yes');
  expect(redisConf('/data', 7000, 'pw', 'test')).toContain('appendonly no');
});
