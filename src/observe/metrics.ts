import { collectDefaultMetrics, type Gauge, Registry } from 'prom-client';
import { BusiestLabels } from './busiest-labels.ts';
import type { Payload } from './catalogue.ts';
import type { Events } from './events.ts';
import { type Reading, RUN_ENDS } from './field.ts';
import { KnownLabels } from './known-labels.ts';
import { makeMetrics } from './metric-table.ts';

/** Which values the labels of metrics have. */
export interface MetricsOptions {
  /** The names of all workers and plans. Anything else that an event names is counted as `other`. */
  readonly workers: readonly string[];
  readonly plans: readonly string[];
  /** Reasons for which tickets may be refused; default none. */
  readonly refusals?: readonly string[];
  /** Reasons for which messages about runs that have left may be refused; default none. */
  readonly completionRefusals?: readonly string[];
  /** Reasons for which owed runs may be held; default none. */
  readonly holds?: readonly string[];
}

const QUEUE_KINDS = ['shared', 'dedicated'];
/** How many reasons, shards or versions are told apart. */
const MOST_VALUES = 64;
/** How many tenants are told apart, and where routes are as well. */
const MOST_TENANTS = 50;
const MOST_CALLERS = 20;

/**
 * The metrics of one process in a registry of its own. Counters and histograms begin at 0 for every pair of labels:
 * a series that first appears with 1 hides its first event from `increase()`.
 */
export class Metrics {
  readonly registry = new Registry();
  readonly #metrics = makeMetrics(this.registry);
  readonly #options: MetricsOptions;
  readonly #workers: KnownLabels;
  readonly #plans: KnownLabels;
  readonly #reasons = new KnownLabels([], MOST_VALUES);
  readonly #shards = new KnownLabels([], MOST_VALUES);
  readonly #tenants = new BusiestLabels(MOST_TENANTS, (tenant) => this.#metrics.costUsd.remove({ tenant_id: tenant }));
  readonly #versions = new KnownLabels([], MOST_VALUES);
  readonly #endpoints = new KnownLabels([], MOST_VALUES);
  readonly #callers = new BusiestLabels(MOST_CALLERS, (tenant) => this.#forget(tenant));

  constructor(options: MetricsOptions) {
    this.#options = options;
    this.#workers = new KnownLabels(options.workers);
    this.#plans = new KnownLabels(options.plans);
    const { runs, runSeconds, runWaitSeconds, runsRescued } = this.#metrics;
    for (const worker of options.workers) {
      runSeconds.zero({ worker });
      for (const plan of options.plans) {
        runWaitSeconds.zero({ worker, plan });
        for (const outcome of RUN_ENDS) runs.inc({ worker, plan, outcome }, 0);
      }
    }
    for (const reason of options.refusals ?? [])
      this.#metrics.envelopesRefused.inc({ reason: this.#reasons.of(reason) }, 0);
    for (const reason of options.completionRefusals ?? [])
      this.#metrics.completionsRefused.inc({ reason: this.#reasons.of(reason) }, 0);
    for (const state of ['running', 'queued']) runsRescued.inc({ state }, 0);
    this.#metrics.costUsd.inc({ tenant_id: 'other' }, 0);
    for (const cause of ['emptied', 'older', 'lost']) this.#metrics.redisRebuilds.inc({ cause }, 0);
  }

  /** Follows `events`, and measures this process's CPU, memory and event loop. Returns how to stop following. */
  follow(events: Events): () => void {
    collectDefaultMetrics({ register: this.registry });
    const {
      buildInfo,
      fenceLost,
      envelopesRefused,
      completionsRefused,
      runsRescued,
      dispatchLeader,
      postgresUnpatched,
    } = this.#metrics;
    const stops = [
      events.on('service.started', ({ version, node }) => buildInfo.set({ version, node }, 1)),
      events.on('run.finished', (run) => this.#finished(run)),
      events.on('fence.lost', () => fenceLost.inc()),
      events.on('ticket.refused', ({ reason }) => envelopesRefused.inc({ reason: this.#reasons.of(reason) })),
      events.on('completions.refused', ({ reason }) => completionsRefused.inc({ reason: this.#reasons.of(reason) })),
      events.on('queue.rebuilt', ({ cause }) => this.#metrics.redisRebuilds.inc({ cause: this.#reasons.of(cause) })),
      events.on('dispatch.windowed', (told) => this.#windowed(told)),
      events.on('runs.rescued', ({ running, queued }) => {
        runsRescued.inc({ state: 'running' }, running);
        runsRescued.inc({ state: 'queued' }, queued);
      }),
      events.on('dispatch.lease_taken', ({ shard }) => dispatchLeader.set({ shard: this.#shards.of(shard) }, 1)),
      events.on('dispatch.lease_lost', ({ shard }) => {
        dispatchLeader.set({ shard: this.#shards.of(shard) }, 0);
        // What it counted last is no truth any more, and would scale the fleet for ever.
        this.#metrics.replicasWanted.reset();
      }),
      events.on('database.unpatched', ({ version }) =>
        postgresUnpatched.set({ version: this.#versions.of(version) }, 1),
      ),
      events.on('stats.collected', (stats) => this.#collected(stats)),
      events.on('request.answered', (request) => this.#answered(request)),
    ];
    return () => {
      for (const stop of stops) stop();
    };
  }

  /** Begins the counts of these routes of the API at 0. */
  begin(endpoints: readonly string[]): void {
    const { apiRequests, apiAnswers, apiSeconds } = this.#metrics;
    for (const endpoint of endpoints.map((one) => this.#endpoints.of(one))) {
      apiRequests.inc({ endpoint, tenant_id: 'other' }, 0);
      apiSeconds.zero({ endpoint });
    }
    if (endpoints.length > 0) for (const status of ['2xx', '4xx', '5xx']) apiAnswers.inc({ status }, 0);
  }

  /** Everything in the text format of Prometheus. */
  text(): Promise<string> {
    return this.registry.metrics();
  }

  #finished(run: Payload<'run.finished'>): void {
    const worker = this.#workers.of(run.worker);
    const plan = this.#plans.of(run.plan);
    this.#metrics.runs.inc({ worker, plan, outcome: run.outcome });
    this.#metrics.runSeconds.observe({ worker }, run.seconds);
    // Two machines' clocks may differ by more than a short wait.
    this.#metrics.runWaitSeconds.observe({ worker, plan }, Math.max(0, run.waitSeconds));
    // What an attempt that is owed again has added up is told by the one that ends.
    const { cost_micro_usd: microUsd = 0 } = run.counts;
    if (run.outcome === 'done' && microUsd > 0)
      this.#metrics.costUsd.inc({ tenant_id: this.#tenants.of(run.tenantId, microUsd) }, microUsd / 1e6);
  }

  #answered({ endpoint: route, status, seconds, tenantId }: Payload<'request.answered'>): void {
    const endpoint = this.#endpoints.of(route);
    const tenant = tenantId === undefined ? 'none' : this.#callers.of(tenantId, 1);
    this.#metrics.apiRequests.inc({ endpoint, tenant_id: tenant });
    this.#metrics.apiSeconds.observe({ endpoint }, seconds);
    this.#metrics.apiAnswers.inc({ status: `${Math.floor(status / 100)}xx` });
  }

  #forget(tenant: string): void {
    for (const endpoint of [...this.#endpoints.values, 'other'])
      this.#metrics.apiRequests.remove({ endpoint, tenant_id: tenant });
  }

  #collected(stats: Payload<'stats.collected'>): void {
    const { runsOwed, runsEligible, runsHeld } = this.#metrics;
    const { oldestOwedSeconds, cycleLagSeconds, tenantsStale, runsDead, statsCollected } = this.#metrics;
    const owed = this.#options.workers.flatMap((worker) => QUEUE_KINDS.map((kind) => ({ worker, queue_kind: kind })));
    const each = this.#options.workers.map((worker) => ({ worker }));
    const kindOf = ({ queueKind = 'shared' }: Reading) => ({ queue_kind: queueKind });
    this.#show(runsOwed, owed, stats.owed, kindOf);
    this.#show(runsEligible, owed, stats.eligible, kindOf);
    this.#show(this.#metrics.replicasWanted, owed, stats.replicasWanted, kindOf);
    const holds = (this.#options.holds ?? []).map((reason) => this.#reasons.of(reason));
    const held = this.#options.workers.flatMap((worker) => holds.map((reason) => ({ worker, reason })));
    this.#show(runsHeld, held, stats.held, ({ reason = 'other' }: Reading) => ({ reason: this.#reasons.of(reason) }));
    this.#show(oldestOwedSeconds, each, stats.oldestOwedSeconds);
    this.#show(cycleLagSeconds, each, stats.cycleLagSeconds);
    this.#show(tenantsStale, each, stats.tenantsStale);
    this.#show(runsDead, each, stats.dead);
    this.#metrics.costUnknownCalls.set(stats.unknownCalls ?? 0);
    statsCollected.set(stats.at);
  }

  #windowed({ windows, admitted }: Payload<'dispatch.windowed'>): void {
    for (const { queueKind: kind = 'shared', value } of windows)
      this.#metrics.dispatchWindow.set({ queue_kind: kind }, value);
    for (const { queueKind: kind = 'shared', value } of admitted) {
      this.#metrics.dispatchAdmitted.set({ queue_kind: kind }, value);
    }
  }

  /** Shows the readings in place of the ones before: what is no longer read is 0, not what it last was. */
  #show<Label extends string>(
    gauge: Gauge<Label | 'worker'>,
    all: readonly Readonly<Record<Label | 'worker', string>>[],
    readings: readonly Reading[],
    labelsOf?: (reading: Reading) => Readonly<Record<Label, string>>,
  ): void {
    gauge.reset();
    for (const labels of all) gauge.set(labels, 0);
    for (const reading of readings) {
      const labels = { worker: this.#workers.of(reading.worker), ...labelsOf?.(reading) };
      gauge.set(labels as Readonly<Record<Label | 'worker', string>>, reading.value);
    }
  }
}
