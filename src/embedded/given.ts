import { connect, type NetConnectOpts } from 'node:net';
import { join } from 'node:path';
import { messageOf, RaeError } from '../kernel/errors.ts';
import { askInfo, versionInInfo } from './resp.ts';
import type { Service } from './service.ts';

/** How long a given service may take to answer, in milliseconds. */
const ANSWER_MS = 5_000;

/** Where a URL points to: what to connect to, and its name in messages, which has no user and no password. */
export interface Target {
  readonly at: NetConnectOpts;
  readonly name: string;
}

const CODES = { Postgres: 'RAE_DATABASE_UNREACHABLE', Redis: 'RAE_REDIS_UNREACHABLE' } as const;
const SCHEMES = { Postgres: /^postgres(?:ql)?:$/, Redis: /^rediss?:$/ } as const;
const PORTS = { Postgres: 5_432, Redis: 6_379 } as const;

/**
 * Where the URL of a service points to. A Postgres socket's folder is named by `?host=/run/postgresql` or as a host
 * written `%2Frun%2Fpostgresql`.
 * @throws RaeError, without a word of the URL: where it is malformed, its password may be anywhere in it.
 */
export function targetOf(url: string, kind: keyof typeof CODES): Target {
  // Without a host a URL may not name a user, but Postgres' sockets are written so.
  const readable = url.replace(/^(postgres(?:ql)?:\/\/(?:[^/@]*@)?)(?=[/?]|$)/, '$1localhost');
  if (!URL.canParse(readable) || !SCHEMES[kind].test(new URL(readable).protocol)) {
    const expected =
      kind === 'Postgres' ? 'postgres://user:password@host:5432/database' : 'redis://:password@host:6379/0';
    throw new RaeError(CODES[kind], `the URL given for ${kind} cannot be understood; expected ${expected}`);
  }
  const { hostname, port, searchParams } = new URL(readable);
  const asked = kind === 'Postgres' ? searchParams.get('host') : null;
  const host = decodeURIComponent(asked ?? hostname).replace(/^\[|\]$/g, '') || 'localhost';
  const number = Number(port || (kind === 'Postgres' ? searchParams.get('port') : null) || PORTS[kind]);
  if (!host.startsWith('/')) return { at: { host, port: number }, name: `${host}:${number}` };
  const path = join(host, `.s.PGSQL.${number}`);
  return { at: { path }, name: path };
}

/**
 * Resolves once something takes the connection and, where a `question` is put, begins its answer with a letter of
 * `answers`; rejects with what stood against it.
 */
function knock(at: NetConnectOpts, question?: Buffer, answers = ''): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect(at);
    const end = (): void => {
      resolve();
      socket.destroy();
    };
    socket.setTimeout(ANSWER_MS, () => socket.destroy(new Error(`no answer within ${ANSWER_MS / 1_000} s`)));
    socket.on('connect', () => (question === undefined ? end() : socket.write(question)));
    socket.on('data', (data) => {
      if (answers.includes(data.toString('latin1', 0, 1))) end();
      else socket.destroy(new Error('what answers is not Postgres'));
    });
    socket.on('error', reject);
    socket.on('close', () => reject(new Error('the connection was closed without an answer')));
  });
}

/** Postgres' SSLRequest: answered before any login with S (TLS), N (none) or E (an error), by poolers too. */
const SSL_REQUEST = Buffer.from([0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f]);

async function reach<T>(kind: keyof typeof CODES, { name }: Target, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof RaeError) throw error;
    throw new RaeError(CODES[kind], `the ${kind} that was given, ${name}, cannot be reached: ${messageOf(error)}`, {
      hint: 'nothing else was tried, since it was given; check the address, or unset it to have one started',
      cause: error,
    });
  }
}

/**
 * The Postgres of a given URL. Its version and whether it takes the user are known only to whoever connects.
 * @throws RaeError `RAE_DATABASE_UNREACHABLE`, which names host and port and never the password.
 */
export async function givenPostgres(url: string): Promise<Service> {
  const target = targetOf(url, 'Postgres');
  // A server that wants TLS from the first byte on does not answer to it.
  const isDirect = /[?&]sslnegotiation=direct\b/.test(url);
  await reach('Postgres', target, () => (isDirect ? knock(target.at) : knock(target.at, SSL_REQUEST, 'SNE')));
  return { via: 'url', url, version: 'unknown', says: `Postgres at ${target.name}, as given` };
}

/**
 * The Redis of a given URL; over plain TCP it is asked for its version, and must take the password.
 * @throws RaeError `RAE_REDIS_UNREACHABLE`, which names host and port and never the password.
 */
export async function givenRedis(url: string): Promise<Service> {
  const target = targetOf(url, 'Redis');
  const { protocol, username, password } = new URL(url);
  if (protocol === 'rediss:') {
    await reach('Redis', target, () => knock(target.at));
    return { via: 'url', url, version: 'unknown', says: `Redis at ${target.name} over TLS, as given` };
  }
  const login =
    password === '' ? {} : { username: decodeURIComponent(username), password: decodeURIComponent(password) };
  const answer = await reach('Redis', target, () => askInfo({ at: target.at, ...login }, ANSWER_MS));
  if (/^-(WRONGPASS|NOAUTH)/.test(answer)) {
    const wrong = password === '' ? 'wants a password, and the URL has none' : 'refuses the user or password';
    throw new RaeError('RAE_REDIS_UNREACHABLE', `the Redis that was given, ${target.name}, ${wrong}`, {
      hint: 'expected redis://:password@host:port or redis://user:password@host:port',
    });
  }
  const version = versionInInfo(answer);
  return { via: 'url', url, version, says: `Redis ${version} at ${target.name}, as given`.replace(' unknown', '') };
}
