import { expect, it } from 'vitest';
import { isRecentRedis, newestFirst, postgresVersion, redisVersion } from '../../src/embedded/version.ts';

it.each([
  ['postgres (PostgreSQL) 18.4', 18, 4, '18.4'],
  ['postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)\n', 15, 18, '15.18'],
  ['postgres (PostgreSQL) 19beta1', 19, 0, '19beta1'],
  ['postgres (PostgreSQL) 19devel', 19, 0, '19devel'],
  ['initdb (EnterpriseDB) 16.2.1', 16, 2, '16.2'],
])('the version of Postgres is read from %j', (output, major, minor, text) => {
  expect(postgresVersion(output)).toEqual({ major, minor, text });
});

it.each(['', 'command not found', 'psql 15.4', 'postgres: error 15.4'])('%j is not taken for Postgres', (output) => {
  expect(postgresVersion(output)).toBeUndefined();
});

it.each([
  ['Redis server v=7.0.15 sha=00000000:0 malloc=jemalloc-5.3.0 bits=64 build=c34b1f9a0b0d1d0e', 7, 0, '7.0.15'],
  ['Valkey server v=8.1.1 sha=00000000:0 malloc=jemalloc-5.3.0 bits=64', 8, 1, '8.1.1'],
])('the version of Redis is read from %j', (output, major, minor, text) => {
  expect(redisVersion(output)).toEqual({ major, minor, text });
});

it.each(['', 'redis-server: not found', 'bits=64 build=7.0'])('%j is not taken for Redis', (output) => {
  expect(redisVersion(output)).toBeUndefined();
});

it('a Redis from 6.2 on is recent enough', () => {
  const recent = ['5.0.14', '6.0.16', '6.2.0', '7.0.15', '8.1.1'].filter((text) => {
    const version = redisVersion(`Redis server v=${text}`);
    return version !== undefined && isRecentRedis(version);
  });
  expect(recent).toEqual(['6.2.0', '7.0.15', '8.1.1']);
});

it('of several versions the newest comes first', () => {
  const versions = ['7.0.15', '8.1.1', '7.2.4'].flatMap((text) => redisVersion(`Redis server v=${text}`) ?? []);
  expect(versions.sort(newestFirst).map(({ text }) => text)).toEqual(['8.1.1', '7.2.4', '7.0.15']);
});
