import type { Config } from '../../config/config.ts';
import type { Database, Row } from '../../db/database.ts';
import { knownHole } from '../../db/patched-postgres.ts';
import { loadStatements } from '../../db/statement.ts';
import type { Clock } from '../../kernel/clock.ts';
import { SECOND } from '../../kernel/duration.ts';
import { type Finding, fail, ok, warn } from './finding.ts';

const sql = loadStatements(new URL('./postgres.sql', import.meta.url), ['server', 'memberships', 'shardNames']);

/** The statements that other checks of the doctor send. */
export const { memberships, shardNames } = sql;

const OLDEST_MAJOR = 15;

/** Cycles come late or early by so much; beyond the second bound tokens and leases are in doubt. */
const SKEW_WARN_MS = SECOND;
const SKEW_FAIL_MS = 30 * SECOND;

interface Server extends Row {
  readonly version: string;
  readonly version_num: number;
  readonly login: string;
  readonly now_ms: number;
  readonly statement_timeout_ms: number;
  readonly connections: number;
  readonly used: number;
}

/** What the control database's server says about itself. @param processes how many processes a whole fleet has. */
export async function checkServer(
  database: Database,
  config: Config,
  clock: Clock,
  processes: number,
): Promise<readonly Finding[]> {
  // The first answer also waits for the connection; the second one measures.
  await database.rows(sql.server);
  const [before, startedMs] = [clock.now().getTime(), clock.monotonicMs()];
  const [server] = await database.rows<Server>(sql.server);
  const tookMs = clock.monotonicMs() - startedMs;
  if (server === undefined) return [fail('postgres', 'it gave no answer', undefined)];
  return [
    ok('postgres', `${server.version}, as ${server.login}; answers in ${tookMs.toFixed(1)} ms`),
    release(server, config),
    skew(server.now_ms - (before + tookMs / 2)),
    connections(server, config, processes),
  ];
}

/**
 * Through a pooler services cannot set a statement timeout: it must be the login's own, and shorter than the lease.
 * @param database connects as services do.
 */
export async function checkPooledTimeout(database: Database, config: Config): Promise<Finding> {
  const [server] = await database.rows<Server>(sql.server);
  const timeoutMs = server?.statement_timeout_ms ?? 0;
  const mend = `give the role ${server?.login ?? 'of the services'} a statement_timeout of ${config.statementTimeoutMs} ms`;
  if (timeoutMs === 0) return fail('statement timeout', 'there is none: a statement may outlive its lease', mend);
  if (timeoutMs >= config.leaseMs) {
    return fail('statement timeout', `${timeoutMs} ms is not shorter than the lease of ${config.leaseMs} ms`, mend);
  }
  return ok('statement timeout', `${timeoutMs} ms, through the pooler`);
}

function release({ version, version_num: number }: Server, { requirePatchedPostgres }: Config): Finding {
  if (Math.floor(number / 10_000) < OLDEST_MAJOR) {
    return fail('postgres release', `${version} is too old`, `use Postgres ${OLDEST_MAJOR} or newer`);
  }
  const hole = knownHole(number);
  if (hole === undefined) return ok('postgres release', `${version} has no known hole in row security`);
  const tell = requirePatchedPostgres ? fail : warn;
  return tell(
    'postgres release',
    `${hole.version} has ${hole.cve}; tenant-first keys close it here`,
    `upgrade to ${hole.fixedIn} or newer`,
  );
}

function skew(ms: number): Finding {
  const found = `this machine and Postgres are ${Math.abs(Math.round(ms))} ms apart`;
  const mend = 'run a time service (chrony, systemd-timesyncd) on both';
  if (Math.abs(ms) > SKEW_FAIL_MS) return fail('clock', found, mend);
  return Math.abs(ms) > SKEW_WARN_MS ? warn('clock', found, mend) : ok('clock', found);
}

function connections({ connections: most, used }: Server, { pgPool }: Config, processes: number): Finding {
  const wanted = pgPool * processes;
  const found = `${used} of ${most} are used; one process of each kind opens up to ${wanted} (RAE_PG_POOL=${pgPool})`;
  if (wanted + used <= most) return ok('connections', found);
  return warn('connections', found, 'raise max_connections, lower RAE_PG_POOL, or put PgBouncer in between');
}
