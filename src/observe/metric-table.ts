import { Counter, Gauge, Histogram, type Registry } from 'prom-client';

// A second replica exports the same count of the same database: adding them up would multiply what is owed.
const FROM_DATABASE = '(read from the database by every scheduler; use max by, never sum)';

/** From a fused statement of a few milliseconds to a run that walks a large tenant for an hour. */
const RUN_SECONDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1_800, 3_600];
/** From at once to a day behind. */
const WAIT_SECONDS = [0.01, 0.05, 0.1, 0.5, 1, 5, 15, 60, 300, 900, 3_600, 14_400, 86_400];

function processMetrics(registers: Registry[]) {
  return {
    buildInfo: new Gauge({
      name: 'rae_build_info',
      help: 'Always 1; the labels say which release this process runs on which Node.',
      labelNames: ['version', 'node'] as const,
      registers,
    }),
    runs: new Counter({
      name: 'rae_runs_total',
      help: 'Attempts of runs that ended in this process, by how they ended; retried, yielded and deferred runs are owed again.',
      labelNames: ['worker', 'outcome', 'plan'] as const,
      registers,
    }),
    runSeconds: new Histogram({
      name: 'rae_run_seconds',
      help: 'How long attempts of runs took, in seconds.',
      labelNames: ['worker'] as const,
      buckets: RUN_SECONDS,
      registers,
    }),
    runWaitSeconds: new Histogram({
      name: 'rae_run_wait_seconds',
      help: 'How long runs waited from when they might have begun until they did, in seconds.',
      labelNames: ['worker', 'plan'] as const,
      buckets: WAIT_SECONDS,
      registers,
    }),
    costUsd: new Counter({
      name: 'rae_cost_usd_total',
      help: 'What calls of models cost, in US dollars, as this process added it up; corrections downward are not taken off. The tenants that spend most, and other.',
      labelNames: ['tenant_id'] as const,
      registers,
    }),
    redisRebuilds: new Counter({
      name: 'rae_redis_rebuilds_total',
      help: 'How often Redis had lost tickets of a queue, so that they were put there again.',
      labelNames: ['cause'] as const,
      registers,
    }),
    runsRescued: new Counter({
      name: 'rae_runs_rescued_total',
      help: 'Runs that are owed again as their process died (running) or their ticket was lost (queued).',
      labelNames: ['state'] as const,
      registers,
    }),
    postgresUnpatched: new Gauge({
      name: 'rae_postgres_unpatched',
      help: '1 for a Postgres release in use that has a known row-security hole.',
      labelNames: ['version'] as const,
      registers,
    }),
  };
}

function apiMetrics(registers: Registry[]) {
  return {
    apiRequests: new Counter({
      name: 'rae_api_requests_total',
      help: 'Requests that the API has answered, by route; the tenants that ask most, and other (or none).',
      labelNames: ['endpoint', 'tenant_id'] as const,
      registers,
    }),
    apiAnswers: new Counter({
      name: 'rae_api_answers_total',
      help: 'Answers of the API, by the hundred of their status: 2xx, 4xx, 5xx.',
      labelNames: ['status'] as const,
      registers,
    }),
    apiSeconds: new Histogram({
      name: 'rae_api_request_seconds',
      help: 'How long answers of the API took, in seconds.',
      labelNames: ['endpoint'] as const,
      buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30],
      registers,
    }),
  };
}

/** What was not believed or came too late, and so changed nothing. */
function refusalCounters(registers: Registry[]) {
  return {
    fenceLost: new Counter({
      name: 'rae_fence_lost_total',
      help: 'Attempts that came too late and changed nothing, as another one owned the run.',
      registers,
    }),
    envelopesRefused: new Counter({
      name: 'rae_envelopes_refused_total',
      help: 'Tickets from Redis that were not worked on, by reason.',
      labelNames: ['reason'] as const,
      registers,
    }),
    completionsRefused: new Counter({
      name: 'rae_completions_refused_total',
      help: 'Messages about runs that have left which were not believed, by reason.',
      labelNames: ['reason'] as const,
      registers,
    }),
  };
}

function dispatchGauges(registers: Registry[]) {
  return {
    dispatchWindow: new Gauge({
      name: 'rae_dispatch_window',
      help: 'Runs that may be admitted at once, over all workers; only from the process that dispatches.',
      labelNames: ['queue_kind'] as const,
      registers,
    }),
    dispatchAdmitted: new Gauge({
      name: 'rae_dispatch_admitted',
      help: 'Runs that are admitted now: queued or running; only from the process that dispatches.',
      labelNames: ['queue_kind'] as const,
      registers,
    }),
    dispatchLeader: new Gauge({
      name: 'rae_dispatch_leader',
      help: '1 where this process dispatches for the shard; the sum over all processes is 1 but for a change of hands.',
      labelNames: ['shard'] as const,
      registers,
    }),
  };
}

function databaseGauges(registers: Registry[]) {
  return {
    runsOwed: new Gauge({
      name: 'rae_runs_owed',
      help: `Runs that wait ${FROM_DATABASE}.`,
      labelNames: ['worker', 'queue_kind'] as const,
      registers,
    }),
    runsEligible: new Gauge({
      name: 'rae_runs_eligible',
      help: `Runs that wait for their turn only: what is owed and not held ${FROM_DATABASE}.`,
      labelNames: ['worker', 'queue_kind'] as const,
      registers,
    }),
    runsHeld: new Gauge({
      name: 'rae_runs_held',
      help: `Runs that are owed and may not start now, by why ${FROM_DATABASE}. Owed = eligible + held.`,
      labelNames: ['worker', 'reason'] as const,
      registers,
    }),
    oldestOwedSeconds: new Gauge({
      name: 'rae_oldest_owed_seconds',
      help: `For how long the oldest run has waited, in seconds; 0 when none does ${FROM_DATABASE}.`,
      labelNames: ['worker'] as const,
      registers,
    }),
    cycleLagSeconds: new Gauge({
      name: 'rae_cycle_lag_seconds',
      help: `Time since the oldest slot that is not finished, in seconds; 0 when all are ${FROM_DATABASE}.`,
      labelNames: ['worker'] as const,
      registers,
    }),
    tenantsStale: new Gauge({
      name: 'rae_tenants_stale',
      help: `Tenants whose last finished run is older than it may be ${FROM_DATABASE}.`,
      labelNames: ['worker'] as const,
      registers,
    }),
    runsDead: new Gauge({
      name: 'rae_runs_dead',
      help: `Runs that are given up and wait for an operator ${FROM_DATABASE}.`,
      labelNames: ['worker'] as const,
      registers,
    }),
    costUnknownCalls: new Gauge({
      name: 'rae_cost_unknown_calls',
      help: `Calls of models whose cost is not known, as no price is; they are in no sum of costs ${FROM_DATABASE}.`,
      registers,
    }),
    statsCollected: new Gauge({
      name: 'rae_stats_collected_timestamp_seconds',
      help: `When the gauges that are read from the database were last read, in seconds since 1970 ${FROM_DATABASE}.`,
      registers,
    }),
  };
}

function scalingGauges(registers: Registry[]) {
  return {
    replicasWanted: new Gauge({
      name: 'rae_replicas_wanted',
      help: `Processes that would begin all that may run within RAE_WAIT_TARGET_SECONDS, not rounded: add the kinds up, then round up ${FROM_DATABASE}.`,
      labelNames: ['worker', 'queue_kind'] as const,
      registers,
    }),
  };
}

/** Every metric of the fleet, made in `registry`. Only costs and requests name tenants, a bounded number of them: series must not grow with the tenants. */
export function makeMetrics(registry: Registry) {
  return {
    ...processMetrics([registry]),
    ...dispatchGauges([registry]),
    ...refusalCounters([registry]),
    ...databaseGauges([registry]),
    ...scalingGauges([registry]),
    ...apiMetrics([registry]),
  };
}
