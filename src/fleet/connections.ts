import { type AdmissionRequest, admitService } from '../db/admission.ts';
import { Database } from '../db/database.ts';
import { Shards } from '../db/shards.ts';
import { loadStatements } from '../db/statement.ts';
import { RaeError } from '../kernel/errors.ts';
import type { Check } from '../observe/health-server.ts';
import { admitRedis } from '../redis/admission.ts';
import { type Redis, type RedisRole, reachRedis, redisConnection } from '../redis/connection.ts';
import type { ProcessParts } from './process-parts.ts';

const sql = loadStatements(new URL('./connections.sql', import.meta.url), ['ping']);

/**
 * Opens every shard for a service of `role`, after each has been found safe and ready for it.
 * @throws RaeError `RAE_NO_FLEET`, `RAE_DATABASE_UNREACHABLE`, `RAE_DATABASE_REFUSED` or `RAE_SCHEMA_NEWER`.
 */
export async function openShards(
  { config, events, schema }: ProcessParts,
  role: AdmissionRequest['role'],
  poolSize: number,
): Promise<Shards> {
  if (config.databaseUrl === undefined) {
    const both = config.redisUrl === undefined;
    throw new RaeError('RAE_NO_FLEET', `RAE_DATABASE_URL ${both ? 'and RAE_REDIS_URL are' : 'is'} not set`, {
      hint: `set ${both ? 'the first' : 'it'} to a login role that is a member of ${role}, or start everything with: rae up`,
    });
  }
  const urls = { main: config.databaseUrl, ...config.shards };
  const databases = new Map(
    Object.entries(urls).map(([shard, url]) => [
      shard,
      new Database({
        url,
        applicationName: `rae ${role.replace('rae_', '')}`,
        poolSize,
        statementTimeoutMs: config.statementTimeoutMs,
        prepared: config.preparedStatements,
        pooled: config.databaseDirectUrl !== undefined,
        onDisconnect: (message) => events.emit('database.disconnected', { role, message }),
      }),
    ]),
  );
  const shards = new Shards(databases);
  try {
    for (const database of databases.values()) {
      const { hole } = await admitService(database, { role, schema, requirePatched: config.requirePatchedPostgres });
      if (hole !== undefined) events.emit('database.unpatched', { ...hole });
    }
    return shards;
  } catch (error) {
    await shards.close();
    throw error;
  }
}

/**
 * Opens connections to Redis for each of `roles`, after it has been found fit to hold queues.
 * @throws RaeError `RAE_NO_FLEET`, `RAE_REDIS_UNREACHABLE` or `RAE_REDIS_REFUSED`.
 */
export async function openRedis<Role extends RedisRole>(
  { config, events }: ProcessParts,
  roles: readonly Role[],
): Promise<Readonly<Record<Role, Redis>>> {
  const url = config.redisUrl;
  if (url === undefined) {
    throw new RaeError('RAE_NO_FLEET', 'RAE_REDIS_URL is not set', {
      hint: 'set it, or start everything with: rae up',
    });
  }
  const watch = {
    onConnect: (role: RedisRole) => events.emit('redis.connected', { role }),
    onDisconnect: (role: RedisRole, message: string) => events.emit('redis.disconnected', { role, message }),
  };
  const opened: [Role, Redis][] = roles.map((role) => [role, redisConnection(url, role, watch)]);
  try {
    for (const [, redis] of opened) await reachRedis(redis, url);
    const [first] = opened;
    if (first !== undefined) await admitRedis(first[1]);
    return Object.fromEntries(opened) as Record<Role, Redis>;
  } catch (error) {
    for (const [, redis] of opened) redis.disconnect();
    throw error;
  }
}

/** Can every shard be asked? */
export async function shardsCheck(shards: Shards): Promise<Check> {
  for (const database of shards.all.values()) await database.rows(sql.ping);
  return { ok: true, says: `${shards.all.size} of ${shards.all.size} shards answer` };
}

/** Does Redis answer? */
export async function redisCheck(redis: Redis): Promise<Check> {
  return { ok: (await redis.ping()) === 'PONG', says: 'Redis answers' };
}
