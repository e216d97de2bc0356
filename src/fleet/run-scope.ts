import type { Queryable } from '../db/database.ts';
import { RaeError } from '../kernel/errors.ts';
import { isOutcome, type Outcome } from '../kernel/outcome.ts';
import type { RunRef, Settlement } from '../ledger/run-ledger.ts';
import type { PerformerPorts } from './performer.ts';

/** One claimed run as its code sees it: its steps, its lease, and whether one of the steps has ended it. */
export class RunScope {
  readonly #ports: PerformerPorts;
  readonly #ref: RunRef;
  readonly #settlementOf: (outcome: Outcome) => Settlement;
  readonly #gone = new AbortController();
  #progress: unknown;
  #ended: Outcome | undefined;
  #yields = false;

  constructor(ports: PerformerPorts, ref: RunRef, progress: unknown, settlementOf: (outcome: Outcome) => Settlement) {
    this.#ports = ports;
    this.#ref = ref;
    this.#progress = progress;
    this.#settlementOf = settlementOf;
  }

  /** The outcome that a step has committed; undefined while the run goes on. */
  get ended(): Outcome | undefined {
    return this.#ended;
  }

  /** A step was not begun because the process drains: whatever the code makes of that, its run is owed again. */
  get yields(): boolean {
    return this.#yields;
  }

  /** Aborted when the process gives up, or the lease is lost. */
  get signal(): AbortSignal {
    return AbortSignal.any([this.#ports.abort, this.#gone.signal]);
  }

  /** See `Run.step`. */
  async step<T>(
    work: (tx: Queryable, keep: (progress: unknown) => void) => Promise<T>,
    { evenDraining } = { evenDraining: false },
  ): Promise<T> {
    const { ledger, tenants, steps, draining } = this.#ports;
    if (draining() && !evenDraining) {
      this.#yields = true;
      throw new RaeError('RAE_INTERNAL', 'no step begins in a process that drains');
    }
    if (this.#ended !== undefined) throw new RaeError('RAE_INTERNAL', 'a step after the one that ended the run');
    let progress = this.#progress;
    const value = await steps(() =>
      tenants.inTenant(this.#ref.tenantId, async (tx) => {
        if (!(await ledger.beginStep(tx, this.#ref))) throw fenceLost(this.#ref);
        const result = await work(tx, (kept) => {
          progress = kept;
        });
        const recorded = isOutcome(result)
          ? await ledger.settleWithin(tx, this.#ref, this.#settlementOf(result))
          : await ledger.endStep(tx, this.#ref, progress, undefined);
        if (!recorded) throw fenceLost(this.#ref);
        return result;
      }),
    );
    this.#progress = progress;
    if (isOutcome(value)) this.#ended = value;
    return value;
  }

  /** Renews the lease while the code works between its steps, until the returned function is called. */
  keepLease(): () => void {
    const timer = setInterval(() => {
      this.#ports.ledger.renew(this.#ref).then(
        (held) => {
          if (!held && this.#ended === undefined) this.#gone.abort(fenceLost(this.#ref));
        },
        // Postgres is away for now: the next renewal or the next step tells.
        () => undefined,
      );
    }, this.#ports.leaseMs / 3);
    return () => clearInterval(timer);
  }
}

function fenceLost(ref: RunRef): RaeError {
  return new RaeError('RAE_FENCE_LOST', `run ${ref.runId}: another attempt than ${ref.attempt} owns it`);
}
