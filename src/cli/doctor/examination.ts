import { type LoadedConfig, loadConfig } from '../../config/config.ts';
import { queueList } from '../../fleet/queue-list.ts';
import { RunBook } from '../../ledger/run-book.ts';
import type { Call } from '../call.ts';
import { explained } from '../explain.ts';
import { checkConsumers } from './consumers.ts';
import { checkEnvironment } from './environment.ts';
import { type Finding, fail, ok } from './finding.ts';
import { checkPauses } from './pauses.ts';
import { checkPooledTimeout, checkServer } from './postgres.ts';
import { checkRedis } from './redis.ts';
import { checkLogins, checkSchema, checkShards } from './safety.ts';

/** One check; what it throws is a finding as well. */
async function looked(check: string, look: () => Promise<readonly Finding[]>): Promise<readonly Finding[]> {
  try {
    return await look();
  } catch (error) {
    const { message, hint } = explained(error);
    return [fail(check, message, hint)];
  }
}

/** Every check, whatever the others find; only what needs an answer that nobody gave is left out. */
export async function examine(call: Call): Promise<readonly Finding[]> {
  let loaded: LoadedConfig | undefined;
  const environment = await looked('environment', async () => {
    loaded = loadConfig();
    return checkEnvironment(loaded, await call.catalogue);
  });
  if (loaded === undefined) return environment;
  const fleet = await looked('fleet', async () => [ok('fleet', `from ${call.address.from}`)]);
  if (fleet.some(({ status }) => status === 'fail')) return [...environment, ...fleet];
  return [...environment, ...fleet, ...(await examinePostgres(call, loaded)), ...(await examineRedis(call))];
}

async function examinePostgres(call: Call, { config }: LoadedConfig): Promise<readonly Finding[]> {
  const { connection } = call;
  const catalogue = await call.catalogue;
  // A scheduler and a process for each worker.
  const processes = catalogue.names.length + 1;
  const server = await looked('postgres', () =>
    checkServer(connection.login('owner'), config, call.ports.clock, processes),
  );
  if (server.some(({ check, status }) => check === 'postgres' && status === 'fail')) return server;
  const schema = call.ports.schemaOf(catalogue);
  const gaps = await looked('schema', () => checkSchema(connection, schema));
  const { pooledUrl } = connection.address;
  const pooled =
    pooledUrl === undefined
      ? []
      : await looked('statement timeout', async () => [await checkPooledTimeout(connection.pooled(pooledUrl), config)]);
  const migrated = gaps.every(({ status }) => status === 'ok');
  const pauses = migrated ? await looked('pauses', () => checkPauses(connection)) : [];
  const shards = migrated ? await looked('shards', () => checkShards(connection)) : [];
  return [
    ...server,
    ...pooled,
    ...gaps,
    ...shards,
    ...pauses,
    ...(await looked('row security', () => checkLogins(connection, schema))),
  ];
}

async function examineRedis(call: Call): Promise<readonly Finding[]> {
  const { redisUrl } = call.address;
  if (redisUrl === undefined)
    return [fail('redis', 'RAE_REDIS_URL is not set', 'set it, or start everything with: rae up')];
  const server = await looked('redis', () => checkRedis(redisUrl));
  if (server.some(({ status }) => status === 'fail')) return server;
  const { names } = await call.catalogue;
  const list = () => queueList(new RunBook(call.connection.as('rae_operator')), names, call.config.partitions);
  return [...server, ...(await looked('consumers', () => checkConsumers(redisUrl, names, list)))];
}
