import { TicketProducer } from '../../queues/producer.ts';
import type { Shards } from '../db/shards.ts';
import { TenantContext } from '../db/tenant-context.ts';
import { openShards, shardsCheck } from '../fleet/connections.ts';
import type { ProcessParts } from '../fleet/process-parts.ts';
import type { Service } from '../fleet/service.ts';
import { RaeError } from '../kernel/errors.ts';
import { type Redis, redisConnection } from '../redis/connection.ts';
import { makeApi } from './api.ts';

/**
 * Opens what the API needs and makes its service. @param elseAnyPort where its port is taken, any free one will do.
 * @throws RaeError where something refuses it.
 */
export async function openApiProcess(parts: ProcessParts, elseAnyPort: boolean): Promise<Service> {
  const { config, events, catalogue, clock } = parts;
  const shards = await openShards(parts, 'rae_api', config.pgPool);
  const ready = () => shardsCheck(shards);
  const redis = config.redisUrl === undefined ? undefined : redisConnection(config.redisUrl, 'producer');
  // The API serves without it as well.
  redis?.connect().catch(() => undefined);
  const operator = await openOperator(parts, shards, redis);
  const tenants = new TenantContext(shards);
  const { tokens, masterKeys, settings } = config;
  const server = makeApi({
    ...{ tenants, catalogue, events, clock, ready, redis, tokens, masterKeys, settings },
    operator: operator?.parts,
  });
  const host = '0.0.0.0';
  const listen = async (port: number): Promise<number> => {
    try {
      return await server.listen(port, host);
    } catch (error) {
      if (Reflect.get(Object(error), 'code') !== 'EADDRINUSE') throw error;
      if (elseAnyPort && port !== 0) return await listen(0);
      throw new RaeError('RAE_PORT_IN_USE', `port ${port} is taken by another process`, {
        hint: 'set RAE_HTTP_PORT to another port, or to 0 for any free one',
      });
    }
  };
  let port: number | undefined;
  return {
    start: async () => {
      port = await listen(config.httpPort);
      events.emit('port.opened', { purpose: 'the API', host, port });
    },
    drain: () => server.drain(),
    abort: () => server.abort(),
    close: async () => {
      await server.drain();
      await operator?.close();
      await shards.close();
      redis?.disconnect();
    },
    get inFlight() {
      return server.inFlight;
    },
    get port() {
      return port;
    },
    endpoints: server.endpoints,
    live: () => ({ ok: true, says: 'it answers' }),
    checks: { postgres: ready },
  };
}

/** Connections of the routes of operators: few ask. */
const OPERATOR_POOL = 3;

/** Opens what the routes of operators need; undefined where they are not to be served. */
async function openOperator(parts: ProcessParts, shards: Shards, redis: Redis | undefined) {
  const { config } = parts;
  if (config.operatorDatabaseUrl === undefined) return undefined;
  try {
    const own = { ...parts, config: { ...config, databaseUrl: config.operatorDatabaseUrl, shards: {} } };
    const operators = await openShards(own, 'rae_operator', OPERATOR_POOL);
    const producer = redis === undefined ? undefined : new TicketProducer(redis);
    // Redis being away is seen in its own figures, and must not hide what the ledger knows.
    const depth = (queue: string) => producer?.depth(queue).catch(() => undefined) ?? Promise.resolve(undefined);
    return {
      parts: {
        database: operators.main,
        clock: parts.clock,
        partitions: config.partitions,
        shards: shards.all.size,
        depth,
      },
      close: async () => {
        await producer?.close();
        await operators.close();
      },
    };
  } catch (error) {
    await shards.close();
    throw error;
  }
}
