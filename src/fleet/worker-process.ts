import pLimit from 'p-limit';
import type { Shards } from '../db/shards.ts';
import { TenantContext } from '../db/tenant-context.ts';
import { Consumption } from '../kernel/consumption.ts';
import { RaeError } from '../kernel/errors.ts';
import { nearest } from '../kernel/nearest.ts';
import { RunLedger } from '../ledger/run-ledger.ts';
import type { Check } from '../observe/health-server.ts';
import { MasterKeys } from '../secrets/master-keys.ts';
import { SecretBook } from '../secrets/secret-book.ts';
import { policyMistakes } from '../tenant/policy-mistakes.ts';
import { openRedis, openShards, redisCheck, shardsCheck } from './connections.ts';
import { Executor } from './executor.ts';
import type { PerformerPorts } from './performer.ts';
import type { ProcessParts } from './process-parts.ts';
import type { Service } from './service.ts';
import { TicketKeys } from './ticket-keys.ts';
import { WorkerService } from './worker-service.ts';

/** Opens what a worker process needs and makes its service. @throws RaeError where something refuses it. */
export async function openWorker(parts: ProcessParts, names: readonly string[]): Promise<Service> {
  const { config, events, clock, catalogue } = parts;
  const settings = operatorSettings(parts);
  const shards = await openShards(parts, 'rae_worker', config.pgPool);
  const redis = await openRedis(parts, ['consumer', 'producer', 'subscriber']).catch(async (error: unknown) => {
    await shards.close();
    throw error;
  });
  const tenants = new TenantContext(shards);
  const aborting = new AbortController();
  const keys = new TicketKeys({ given: config.envelopeKeys, database: shards.main, clock });
  let worker: WorkerService;
  const executor = new Executor({
    tenants,
    ledger: new RunLedger(tenants, config.leaseMs),
    events,
    clock,
    settings,
    leaseMs: config.leaseMs,
    sliceMs: config.leaseMs / 2,
    maxFailures: config.maxFailures,
    backoff: { baseMs: config.retryBaseMs, capMs: config.retryCapMs },
    random: Math.random,
    steps: pLimit(config.pgPool),
    ...portsToOutside(parts, tenants),
    draining: () => worker.draining,
    abort: aborting.signal,
  });
  worker = new WorkerService({
    catalogue,
    workers: new Set(names),
    consumes: new Consumption(config.consume),
    executor,
    keys,
    events,
    clock,
    redis,
    runSlots: config.concurrency,
    stepSlots: Math.min(config.concurrency, config.pgPool),
    partitions: config.partitions,
    dedicatedQueues: config.dedicatedQueues,
    leaseMs: config.leaseMs,
  });
  return {
    start: () => worker.start(),
    drain: () => worker.drain(),
    abort: () => aborting.abort(new RaeError('RAE_INTERNAL', 'the process stops')),
    close: () => closeAll(redis, shards),
    get inFlight() {
      return worker.inFlight;
    },
    live: () => liveness(worker),
    checks: {
      postgres: () => shardsCheck(shards),
      redis: () => redisCheck(redis.producer),
      intake: async () => intake(worker, keys),
    },
  };
}

async function closeAll(redis: Awaited<ReturnType<typeof openRedis>>, shards: Shards): Promise<void> {
  for (const connection of Object.values(redis)) connection.disconnect();
  await shards.close();
}

/** What a run needs to call others. */
function portsToOutside({ config }: ProcessParts, tenants: TenantContext): Pick<PerformerPorts, 'outside' | 'secret'> {
  const secrets = new SecretBook(tenants, new MasterKeys(config.masterKeys));
  return {
    outside: { mailUrl: config.smtpUrl, allow: config.webhookAllow },
    secret: (tenantId, name) => secrets.values(tenantId, name),
  };
}

function liveness({ live }: WorkerService): Check {
  return { ok: live, says: live ? 'runs end' : 'no run has ended for four leases' };
}

function intake({ draining }: WorkerService, { known }: TicketKeys): Check {
  if (draining) return { ok: false, says: 'draining' };
  return { ok: known, says: known ? 'takes tickets' : 'waits for the key of tickets, which the first scheduler makes' };
}

/** `RAE_SETTINGS` against each worker's schema. @throws RaeError `RAE_CONFIG_INVALID` with every mistake. */
function operatorSettings({ config, catalogue }: ProcessParts): ReadonlyMap<string, unknown> {
  const given = config.settings as Readonly<Record<string, unknown>>;
  const strangers = Object.keys(given).filter((name) => !catalogue.names.includes(name));
  const mistakes = strangers.map((name) => {
    const near = nearest(name, catalogue.names);
    return `there is no worker ${JSON.stringify(name)}${near === undefined ? '' : `; did you mean ${near}?`}`;
  });
  const settings = catalogue.all.map(({ name, definition }) => {
    const { settings: schema } = definition.contract;
    const asked = given[name] ?? {};
    mistakes.push(...policyMistakes(schema, asked).map((mistake) => `${name}: ${mistake}`));
    return [name, schema.safeParse(asked).data] as const;
  });
  if (mistakes.length > 0) {
    throw new RaeError('RAE_CONFIG_INVALID', ['RAE_SETTINGS is wrong:', ...mistakes].join('\n  '));
  }
  return new Map(settings);
}
