import { SECOND } from '../kernel/duration.ts';
import { RaeError } from '../kernel/errors.ts';
import type { Environment } from './environment.ts';
import { deepFreeze } from './freeze.ts';
import type { Variables } from './given.ts';
import { describeMistakes, type Mistake } from './mistake.ts';
import { judgeUnknown, KNOWN_NAMES, shardOfName } from './names.ts';
import { readSettings, readShards, withoutLinks } from './read.ts';

/** What the environment says, checked and deeply frozen. Times are in the unit of their name. */
export type Config = Readonly<ReturnType<typeof configOf>>;

/** What loading the environment gives: the configuration, and what is to be said about the rest of it. */
export interface LoadedConfig {
  readonly config: Config;
  /** Sentences about variables that were ignored; none of them stops a start. */
  readonly warnings: readonly string[];
}

/** The settings in the words of the code: camel case, all times in milliseconds, switches as booleans. */
function configOf(env: Environment, shards: Readonly<Record<string, string>>) {
  const leaseMs = env.RAE_LEASE_SECONDS * SECOND;
  const timeout = env.RAE_STATEMENT_TIMEOUT_SECONDS;
  return {
    /** Undefined when none is given; `rae up` then brings its own. */
    databaseUrl: env.RAE_DATABASE_URL,
    /** Undefined when LISTEN and migrations may use `databaseUrl`. */
    databaseDirectUrl: env.RAE_DATABASE_DIRECT_URL,
    /** Undefined = the API serves no operators. */
    operatorDatabaseUrl: env.RAE_OPERATOR_DATABASE_URL,
    /** URL by shard name, without `main`. */
    shards,
    redisUrl: env.RAE_REDIS_URL,
    /** Undefined when the fleet keeps a key of its own in its database. */
    envelopeKeys: env.RAE_ENVELOPE_KEYS,
    /** Undefined = no secret can be sealed or opened. */
    masterKeys: env.RAE_MASTER_KEYS,
    /** Undefined = no e-mail goes out. */
    smtpUrl: env.RAE_SMTP_URL,
    /** Undefined = public https addresses only. */
    webhookAllow: env.RAE_WEBHOOK_ALLOW,
    /** Both = commands ask the API. */
    apiUrl: env.RAE_API_URL,
    apiKey: env.RAE_API_KEY,
    data: env.RAE_DATA,
    partitions: env.RAE_PARTITIONS,
    concurrency: env.RAE_CONCURRENCY,
    dedicatedQueues: env.RAE_DEDICATED_QUEUES,
    /** Which queues a worker process takes, as `Consumption` reads it. */
    consume: env.RAE_CONSUME,
    pgPool: env.RAE_PG_POOL,
    window: env.RAE_WINDOW,
    /** Share of the run slots that is lent to short runs only, from 0 to 1. */
    reserve: env.RAE_RESERVE_PERCENT / 100,
    waitTargetMs: env.RAE_WAIT_TARGET_SECONDS * SECOND,
    leaseMs,
    statementTimeoutMs: timeout === undefined ? Math.floor((leaseMs * 2) / 3) : timeout * SECOND,
    drainMs: env.RAE_DRAIN_SECONDS * SECOND,
    fanoutChunk: env.RAE_FANOUT_CHUNK,
    maxFailures: env.RAE_MAX_FAILURES,
    maxLapses: env.RAE_MAX_LAPSES,
    retryBaseMs: env.RAE_RETRY_BASE_MS,
    retryCapMs: env.RAE_RETRY_CAP_MS,
    housekeepingMs: env.RAE_HOUSEKEEPING_SECONDS * SECOND,
    preparedStatements: env.RAE_PREPARED_STATEMENTS === 'on',
    requirePatchedPostgres: env.RAE_REQUIRE_PATCHED_POSTGRES === 'true',
    /** Operator settings by worker name, not yet checked. */
    settings: env.RAE_SETTINGS,
    httpPort: env.RAE_HTTP_PORT,
    /** Which tokens the API believes; undefined = none. */
    tokens: tokensOf(env),
    metricsPort: env.RAE_METRICS_PORT,
    logLevel: env.RAE_LOG_LEVEL,
    logFormat: env.RAE_LOG_FORMAT,
    testServices: env.RAE_TEST_SERVICES,
  };
}

function tokensOf(env: Environment) {
  if (env.RAE_JWT_AUDIENCE === undefined) return undefined;
  return {
    issuer: env.RAE_OIDC_ISSUER,
    audience: env.RAE_JWT_AUDIENCE,
    secrets: env.RAE_JWT_SECRETS,
    secretIssuer: env.RAE_JWT_ISSUER ?? 'rae',
    claims: { tenant: env.RAE_JWT_TENANT_CLAIM ?? 'tenant_id', role: env.RAE_JWT_ROLE_CLAIM ?? 'role' },
  };
}

/**
 * Reads the environment once, at start. A secret may come from a file named by `<NAME>_FILE`; a variable set to nothing
 * counts as not set. URLs are checked for their form only, and none is required here: commands that need one say so.
 * @throws RaeError `RAE_CONFIG_INVALID` with every mistake on a line of its own, and no secret in any of them.
 */
export function loadConfig(env: Variables = process.env): LoadedConfig {
  const mistakes: Mistake[] = [];
  const { own, warnings } = withoutLinks(env);
  const values = readSettings(own, mistakes);
  const shards = readShards(own, mistakes);
  for (const name of Object.keys(own).sort()) {
    if (!/^RAE_/i.test(name) || KNOWN_NAMES.has(name) || shardOfName(name)) continue;
    const verdict = judgeUnknown(name);
    if ('mistake' in verdict) mistakes.push(verdict.mistake);
    else warnings.push(verdict.warning);
  }
  if (mistakes.length > 0) {
    throw new RaeError('RAE_CONFIG_INVALID', describeMistakes(mistakes), {
      hint: 'docs/configuration.md lists every setting with its unit and default',
    });
  }
  return deepFreeze({ config: configOf(values, shards), warnings });
}
