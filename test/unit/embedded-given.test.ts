import { createServer } from 'node:net';
import { expect, it } from 'vitest';
import { givenPostgres, givenRedis, targetOf } from '../../src/embedded/given.ts';

const SECRET = 'se%2Fcret-pass';

it.each([
  [`postgres://ann:${SECRET}@db.example/rae`, { host: 'db.example', port: 5432 }, 'db.example:5432'],
  [
    `postgresql://ann:${SECRET}@db.example:6000/rae?sslmode=require`,
    { host: 'db.example', port: 6000 },
    'db.example:6000',
  ],
  [`postgres://ann:${SECRET}@[::1]:6000/rae`, { host: '::1', port: 6000 }, '::1:6000'],
  ['postgres:///rae', { host: 'localhost', port: 5432 }, 'localhost:5432'],
  [
    'postgres://ann@/rae?host=/run/postgresql',
    { path: '/run/postgresql/.s.PGSQL.5432' },
    '/run/postgresql/.s.PGSQL.5432',
  ],
  ['postgres://%2Frun%2Fpg:6000/rae', { path: '/run/pg/.s.PGSQL.6000' }, '/run/pg/.s.PGSQL.6000'],
])('of %s only the address is told', (url, at, name) => {
  expect(targetOf(url, 'Postgres')).toEqual({ at, name });
});

it.each([`http://ann:${SECRET}@db/rae`, `ann:${SECRET}@db`, `postgres://ann:${SECRET}@db:port/rae`, SECRET])(
  'a URL that is none is refused without repeating it: %s',
  (url) => {
    expect(() => targetOf(url, 'Postgres')).toThrow(/^(?!.*cret).*postgres:\/\/user:password@host:5432\/database/);
  },
);

it('a Postgres that was given and does not answer is named by host and port, never by its password', async () => {
  const error = await givenPostgres(`postgres://ann:${SECRET}@127.0.0.1:1/rae`).catch((thrown: unknown) => thrown);
  expect(error).toMatchObject({ code: 'RAE_DATABASE_UNREACHABLE' });
  expect(String(error)).toMatch(/127\.0\.0\.1:1\b.*ECONNREFUSED/);
  expect(JSON.stringify([error, String(error)])).not.toContain('cret');
});

it('a Redis that was given and does not answer is named by host and port, never by its password', async () => {
  const error = await givenRedis(`redis://:${SECRET}@127.0.0.1:1/0`).catch((thrown: unknown) => thrown);
  expect(error).toMatchObject({ code: 'RAE_REDIS_UNREACHABLE' });
  expect(String(error)).toMatch(/127\.0\.0\.1:1\b.*ECONNREFUSED/);
  expect(JSON.stringify([error, String(error)])).not.toContain('cret');
});

const KINDS = [
  ['Postgres', 'RAE_DATABASE_UNREACHABLE', (port: number) => givenPostgres(`postgres://127.0.0.1:${port}/rae`)],
  ['Redis', 'RAE_REDIS_UNREACHABLE', (port: number) => givenRedis(`redis://127.0.0.1:${port}`)],
] as const;

it.each(KINDS)('something else that listens where %s was said to be is not taken for it', async (kind, code, given) => {
  const server = createServer((socket) =>
    socket
      .on('error', () => undefined)
      .resume()
      .end('HTTP/1.1 400 Bad Request\r\n\r\n'),
  );
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  try {
    await expect(given(port)).rejects.toMatchObject({ code, message: expect.stringContaining(`not ${kind}`) });
  } finally {
    await new Promise((resolve) => server.close(resolve));
  }
});
