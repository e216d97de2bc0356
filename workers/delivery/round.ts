import { done, type Outcome, type TenantTransaction, yielded } from '../../src/fleet/worker.ts';
import { endpointAfter } from './breaker.ts';
import { firstOf } from './deadline.ts';
import type { TakenMessage } from './message.ts';
import type { DeliveryRun, Sender } from './sender.ts';
import type { DeliverySql } from './sql.ts';
import { standingAfter, type Verdict } from './verdict.ts';

/** The messages of one endpoint that were sent together, and what came of each. */
interface Sent {
  readonly messages: readonly TakenMessage[];
  readonly verdicts: readonly Verdict[];
}

/** While something is on its way: how soon to look for more that has arrived meanwhile, at first and at last. */
const LOOK_MS = { first: 100, last: 1_000 };
const GIVE_UP_BATCH = 1_000;
const SWEEP_BATCH = 1_000;
/** How much longer than its time-out a message is thought to be on its way when nobody says what came of it. */
const CLAIM_SLACK_S = 20;

/**
 * One run of delivery: takes what is due in a step, sends it outside any transaction, and records what came of it in
 * another step. Each endpoint is busy by itself: a slow one holds up neither the others of its tenant, for which the run
 * goes on looking, nor other tenants, since the run begins nothing more after its time.
 */
export class Round {
  readonly #run: DeliveryRun;
  readonly #sql: DeliverySql;
  readonly #sender: Sender;
  readonly #random: () => number;
  readonly #busy = new Map<string, Promise<void>>();
  readonly #sent: Sent[] = [];
  readonly #counts = { delivered: 0, retried: 0, dead: 0, swept: 0 };
  #failure: unknown;

  constructor(run: DeliveryRun, sql: DeliverySql, sender: Sender, random: () => number) {
    this.#run = run;
    this.#sql = sql;
    this.#sender = sender;
    this.#random = random;
  }

  async outcome(): Promise<Outcome> {
    const run = this.#run;
    await run.step((tx) => this.#clear(tx));
    try {
      await this.#sendAll();
    } finally {
      await this.#settle();
    }
    return await run.step((tx) => this.#rest(tx));
  }

  async #sendAll(): Promise<void> {
    const { clock, settings } = this.#run;
    const until = clock.monotonicMs() + settings.run_ms;
    let look = LOOK_MS.first;
    for (;;) {
      const now = clock.monotonicMs();
      // After its time it begins what others have to wait for a slow endpoint with, and that for no longer than one may take.
      const isTime = now < until || (this.#busy.size > 0 && now < until + settings.timeout_ms);
      const taken = isTime ? await this.#run.step((tx) => this.#take(tx)) : [];
      for (const [endpoint, messages] of byEndpoint(taken)) this.#begin(endpoint, messages);
      if (this.#busy.size === 0 && this.#sent.length === 0) return;
      if (!isTime) return;
      await firstOf(this.#busy.values(), taken.length > 0 ? LOOK_MS.first : look);
      look = this.#sent.length > 0 || taken.length > 0 ? LOOK_MS.first : Math.min(2 * look, LOOK_MS.last);
      this.#throwFailure();
      await this.#recordSent();
    }
  }

  /** Waits for what is still on its way, and writes down what came of it, also in a process that drains. */
  async #settle(): Promise<void> {
    await Promise.all(this.#busy.values());
    if (!this.#run.signal.aborted) await this.#recordSent();
    this.#throwFailure();
  }

  #begin(endpoint: string, messages: readonly TakenMessage[]): void {
    const all = Promise.all(messages.map((message) => this.#sender.send(message)));
    const busy = all
      .then(
        (verdicts) => void this.#sent.push({ messages, verdicts }),
        (error: unknown) => {
          this.#failure ??= error;
        },
      )
      .finally(() => this.#busy.delete(endpoint));
    this.#busy.set(endpoint, busy);
  }

  #throwFailure(): void {
    if (this.#failure !== undefined) throw this.#failure;
  }

  async #clear(tx: TenantTransaction): Promise<void> {
    const { tenantId, settings } = this.#run;
    await tx.rows(this.#sql.release, [tenantId]);
    const values = [tenantId, settings.give_up_seconds, GIVE_UP_BATCH];
    this.#counts.dead += (await tx.rows(this.#sql.giveUp, values)).length;
  }

  async #take(tx: TenantTransaction): Promise<readonly TakenMessage[]> {
    const { tenantId, settings } = this.#run;
    const free = settings.endpoints - this.#busy.size;
    if (free <= 0) return [];
    const seconds = Math.ceil(settings.timeout_ms / 1_000) + CLAIM_SLACK_S;
    const busy = [...this.#busy.keys()];
    return await tx.rows<TakenMessage>(this.#sql.take, [tenantId, busy, settings.per_endpoint, free, seconds]);
  }

  async #recordSent(): Promise<void> {
    const sent = this.#sent.splice(0);
    if (sent.length === 0) return;
    await this.#run.step(
      async (tx) => {
        for (const one of sent) await this.#record(tx, one);
      },
      { evenDraining: true },
    );
  }

  async #record(tx: TenantTransaction, { messages, verdicts }: Sent): Promise<void> {
    const { tenantId, settings } = this.#run;
    const standings = messages.map((message, index) => {
      const verdict = verdicts[index] as Verdict;
      return { message, standing: standingAfter(message, verdict, settings, this.#random()) };
    });
    const recorded = await tx.rows<{ message_id: string }>(this.#sql.record, [
      tenantId,
      standings.map(({ message }) => message.message_id),
      standings.map(({ message }) => message.attempts),
      standings.map(({ standing }) => standing.state),
      standings.map(({ standing }) => standing.refusals),
      standings.map(({ standing }) => standing.waitMs),
      standings.map(({ standing }) => standing.error),
      standings.map(({ standing }) => standing.reason),
    ]);
    const ids = new Set(recorded.map((row) => row.message_id));
    for (const { message, standing } of standings) {
      // What is no longer this attempt's was counted by another.
      if (ids.has(message.message_id)) this.#counts[standing.state === 'pending' ? 'retried' : standing.state] += 1;
    }
    await this.#noteEndpoint(tx, messages[0] as TakenMessage, verdicts);
  }

  async #noteEndpoint(tx: TenantTransaction, of: TakenMessage, verdicts: readonly Verdict[]): Promise<void> {
    const { tenantId, settings } = this.#run;
    const change = endpointAfter(of, verdicts, settings, this.#random());
    if (change.kind === 'unchanged') return;
    if (change.kind === 'well') {
      if (of.failures > 0 || of.openings > 0) await tx.rows(this.#sql.mended, [tenantId, of.endpoint]);
      return;
    }
    const { failures, openings, openMs, error } = change;
    await tx.rows(this.#sql.failing, [tenantId, of.endpoint, failures, openings, openMs, error]);
  }

  async #rest(tx: TenantTransaction): Promise<Outcome> {
    const { tenantId, policy, settings } = this.#run;
    const { keep_days: keep, keep_dead_days: keepDead } = policy;
    const [gone] = await tx.rows<{ swept: number }>(this.#sql.sweep, [tenantId, keep, keepDead, SWEEP_BATCH]);
    this.#counts.swept += gone?.swept ?? 0;
    const values = [tenantId, settings.give_up_seconds, keep, keepDead];
    const [next] = await tx.rows<{ due: boolean }>(this.#sql.rest, values);
    // Others have their turn first: what is due was not begun in this run's time.
    return next?.due === true ? yielded() : done({ ...this.#counts }, { idle: true });
  }
}

function byEndpoint(messages: readonly TakenMessage[]): ReadonlyMap<string, readonly TakenMessage[]> {
  const found = new Map<string, TakenMessage[]>();
  for (const message of messages) {
    const same = found.get(message.endpoint);
    if (same === undefined) found.set(message.endpoint, [message]);
    else same.push(message);
  }
  return found;
}
