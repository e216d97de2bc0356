import { chmodSync, chownSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from '../../src/embedded/free-port.ts';
import { serverIdentity } from '../../src/embedded/identity.ts';
import { eventually } from './eventually.ts';
import { findPgbouncer, type PgbouncerProgram } from './pgbouncer-program.ts';
import { startProgram, type TestProcess } from './processes.ts';
import { connected } from './server.ts';

/** How a pooler is set up. */
export interface PoolerRequest {
  /** Direct addresses, complete with user and password; one for each user who may connect. */
  readonly urls: readonly string[];
  /** Connections to the server per user. */
  readonly poolSize: number;
}

/** A running PgBouncer in transaction mode. */
export interface Pooler {
  readonly program: PgbouncerProgram;
  /** A direct address as it is through the pooler. */
  through(url: string): string;
  stop(): Promise<void>;
}

function configuration(
  server: URL,
  port: number,
  folder: string,
  { poolSize }: PoolerRequest,
  { version }: PgbouncerProgram,
): string {
  const knowsPrepared = version.major > 1 || version.minor >= 21;
  return [
    '[databases]',
    `* = host=${server.hostname} port=${server.port || 5432}`,
    '[pgbouncer]',
    'listen_addr = 127.0.0.1',
    `listen_port = ${port}`,
    'unix_socket_dir =',
    'pool_mode = transaction',
    'auth_type = plain',
    `auth_file = ${join(folder, 'users.txt')}`,
    `default_pool_size = ${poolSize}`,
    'max_client_conn = 200',
    ...(knowsPrepared ? ['max_prepared_statements = 100'] : []),
  ].join('\n');
}

/** Starts PgBouncer in transaction mode before the server of `request`. */
export async function startPooler(request: PoolerRequest): Promise<Pooler> {
  const folder = mkdtempSync(join(tmpdir(), 'rae-pgbouncer-'));
  const identity = serverIdentity(folder);
  const program = await findPgbouncer(identity);
  const port = await freePort();
  const servers = request.urls.map((url) => new URL(url));
  const [server] = servers;
  if (server === undefined) throw new Error('a pooler needs an address to go to');
  const users = servers.map((url) => `"${decodeURIComponent(url.username)}" "${decodeURIComponent(url.password)}"`);
  writeFileSync(join(folder, 'users.txt'), users.join('\n'));
  writeFileSync(join(folder, 'pgbouncer.ini'), configuration(server, port, folder, request, program));
  if (identity.ids !== undefined) {
    for (const name of ['', 'users.txt', 'pgbouncer.ini'])
      chownSync(join(folder, name), identity.ids.uid, identity.ids.gid);
  }
  chmodSync(folder, 0o700);
  const child: TestProcess = startProgram(program.file, [join(folder, 'pgbouncer.ini')], {
    env: program.env,
    ids: identity.ids,
    cwd: '/',
  });
  const through = (url: string): string => {
    const pooled = new URL(url);
    pooled.hostname = '127.0.0.1';
    pooled.port = String(port);
    return pooled.href;
  };
  const stop = async (): Promise<void> => {
    child.kill('SIGTERM');
    await child.ended();
    rmSync(folder, { recursive: true, force: true });
  };
  const answers = () =>
    connected(through(server.href), async () => true).catch(() => (child.exit === undefined ? undefined : false));
  if (!(await eventually(answers, { what: 'PgBouncer', seen: () => child.err })))
    throw new Error(`PgBouncer ended:\n${child.err}`);
  return { program, through, stop };
}
