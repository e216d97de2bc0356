import type { Completion } from '../../queues/completion-message.ts';
import type { Takers } from '../../queues/consumers.ts';
import { messageOf, RaeError } from '../kernel/errors.ts';
import { Admission } from './admission.ts';
import { type Arrivals, Backlog } from './backlog.ts';
import { ControlReader } from './control-reader.ts';
import type { DispatcherOptions } from './dispatcher-options.ts';
import { Intake } from './intake.ts';
import type { AdmittedRun } from './ledger-run.ts';
import { Picture } from './picture.ts';
import { Reconciliation, type TakenBackRun } from './reconciliation.ts';
import { TicketSender } from './ticket-sender.ts';

const RETRY_MS = 1_000;
/**
 * Between two admissions, in ms: what ends meanwhile is made good by one statement instead of one each. The windows hold
 * more than ends in that time, so that no place waits for it.
 */
const REST_MS = 4;

/**
 * Moves runs from owed to queued in fair order by time, within each worker's window and each tenant's cap. Only the
 * holder of the shard's lease admits. Its memory is a picture of the ledger, made at `takeOver`: losing it costs one look,
 * and at most one largest charge of unfairness per tenant.
 */
export class Dispatcher {
  readonly picture: Picture;
  readonly #options: DispatcherOptions;
  readonly #backlog: Backlog;
  readonly #admission: Admission;
  readonly #intake: Intake;
  readonly #reconciliation: Reconciliation;
  readonly #controls: ControlReader;
  readonly #sender: TicketSender;
  #work: Promise<void> = Promise.resolve();
  #sending: Promise<unknown> = Promise.resolve();
  #pumping = false;
  #again = false;
  /** When the last admission began. */
  #admittedMs = Number.NEGATIVE_INFINITY;
  #rest: NodeJS.Timeout | undefined;
  /** It knows who waits and what is in flight: before that it admits nothing. */
  #knows = false;

  constructor(options: DispatcherOptions) {
    const { database, lease, waitMs } = options;
    this.#options = options;
    const picture = new Picture(options);
    this.picture = picture;
    this.#backlog = new Backlog(database);
    this.#admission = new Admission({ database, lease, waitMs });
    this.#reconciliation = new Reconciliation(database, picture);
    this.#controls = new ControlReader({ ...options, picture, onStopped: (runs) => this.takenBack(runs) });
    this.#sender = new TicketSender({ ...options, picture });
    this.#intake = new Intake({
      backlog: this.#backlog,
      picture,
      takeBackMoved: () => this.#takeBackMoved(),
      onMore: () => this.pump(),
      goesOn: () => lease.held,
    });
  }

  /** What a predecessor admitted and who waits, as the ledger says; from then on it admits. */
  async takeOver(): Promise<void> {
    await this.#alone(() => this.#reconciliation.begin(this.#nowMs));
    await this.#alone(() => this.#controls.read());
    await this.#takeBackMoved();
    await this.#intake.sweep();
    this.#knows = true;
    // It cannot know which tickets its predecessor sent; those still there are not doubled.
    await this.resend();
    this.pump();
  }

  /** Follows which processes take which queues, after whatever is under way. */
  async follow(takers: readonly Takers[]): Promise<void> {
    await this.#alone(async () => {
      if (this.#options.windows.follow(takers, this.#nowMs)) this.picture.relane();
    });
    this.pump();
  }

  /** Looks through the whole ledger for who waits. @returns whether anybody does of whom that was not known. */
  async sweep(): Promise<boolean> {
    return await this.#intake.sweep();
  }

  /** Looks at the notes that arrivals have left. @returns whether there were any. */
  async lookForArrivals(): Promise<boolean> {
    return this.#arrived(await this.#backlog.arrivals());
  }

  /** Heard a notification of arrivals. */
  async notified(payload: string): Promise<void> {
    await this.#arrived(await this.#backlog.notified(payload));
  }

  /** A run has left its worker: its tenant is charged what it took, its place is free, and the tenant may have more. */
  completed({ run, attempt, ms }: Completion): void {
    const flown = this.picture.flight.get(run);
    // What is not in the picture yet, or an earlier admission of the same run.
    if (flown === undefined || flown.attempt !== attempt) return;
    this.picture.left(flown, ms, this.#nowMs);
    if (ms !== null) this.#options.onLeft?.(flown.tenantId, ms);
    this.pump();
  }

  /** Runs were taken back in the ledger: they are owed again. */
  takenBack(runs: readonly TakenBackRun[]): void {
    for (const { runId, tenantId, worker } of runs) {
      const flown = this.picture.flight.get(runId);
      if (flown !== undefined) this.picture.left(flown, null, this.#nowMs);
      else if (this.picture.shares.get(tenantId) !== undefined) this.picture.add(tenantId, worker);
    }
    this.pump();
  }

  /** Follows what operators have set, where that is new, and does what it asks for meanwhile. */
  async followControls(): Promise<void> {
    await this.#alone(() => this.#controls.follow());
  }

  /** Compares what it holds for admitted with the ledger. */
  async reconcile(): Promise<void> {
    await this.#reconciliation.compare(this.#nowMs);
    this.pump();
  }

  /** Sends what is in the lost tickets, or in none as far as is known, once more. @returns how many runs. */
  async resend(lost: readonly string[] = []): Promise<number> {
    let sent = 0;
    await this.#alone(async () => {
      sent = await this.#sender.again(lost);
    });
    return sent;
  }

  /**
   * Dispatches until nobody waits or every window is full: at once, or a few ms after the last admission. Calls meanwhile
   * are folded into one.
   */
  pump(): void {
    this.#again = true;
    if (this.#pumping || this.#rest !== undefined || !this.#knows) return;
    const restMs = this.#admittedMs + REST_MS - this.#nowMs;
    if (restMs > 0) {
      this.#rest = setTimeout(() => {
        this.#rest = undefined;
        this.#admittedMs = Number.NEGATIVE_INFINITY;
        this.pump();
      }, Math.ceil(restMs));
      return;
    }
    this.#pumping = true;
    void this.#alone(async () => {
      while (this.#again && this.#options.lease.held) {
        this.#again = false;
        while (this.#options.lease.held && (await this.#round()));
      }
    })
      // Whoever was not reached is found by the next look; that it failed must not go unsaid.
      .catch((error: unknown) => this.#failed('admit', error))
      .finally(() => {
        this.#pumping = false;
      });
  }

  /** Forgets everything: another process dispatches now. */
  forget(): void {
    this.#knows = false;
    clearTimeout(this.#rest);
    this.#rest = undefined;
    this.picture.clear();
  }

  /** Resolves when what was begun has ended. */
  async settled(): Promise<void> {
    await this.#work.catch(() => undefined);
    await this.#sending;
  }

  get #nowMs(): number {
    return this.#options.clock.monotonicMs();
  }

  /** One batch of picks. @returns whether another may find something. */
  async #round(): Promise<boolean> {
    const started = this.#nowMs;
    const picks = this.picture.pick(started);
    if (picks.length === 0) return false;
    this.#admittedMs = started;
    let admitted: readonly AdmittedRun[] | undefined;
    try {
      admitted = await this.#admission.admit(picks, this.picture.controls.version);
    } finally {
      // Whether it was committed is not known where the connection broke: `reconcile` finds out.
      if (admitted === undefined) this.picture.turns.takeBack(picks, this.#nowMs);
    }
    if (admitted === undefined) {
      if (this.#options.lease.held) await this.#controls.read();
      return this.#options.lease.held;
    }
    const flying = this.picture.admitted(picks, admitted, this.#nowMs);
    // Not waited for: the next batch is admitted meanwhile, and goes out after this one.
    this.#sending = Promise.all([this.#sending, this.#sender.send(flying)]);
    if (flying.length > 0) {
      this.#options.onAdmitted?.();
      this.#options.events.emit('dispatch.admitted', { runs: flying.length, ms: this.#nowMs - started });
    }
    return true;
  }

  async #arrived(arrivals: Arrivals): Promise<boolean> {
    const { pairs, changed, everything } = arrivals;
    if (pairs.length + changed.length > 0) await this.#intake.arrived(arrivals, this.#nowMs);
    if (changed.length > 0) this.pump();
    // Not waited for: whoever arrives meanwhile need not wait for a look at the whole ledger.
    if (everything) this.#intake.sweep().catch((error: unknown) => this.#failed('dispatch', error));
    return pairs.length + changed.length > 0 || everything;
  }

  async #takeBackMoved(): Promise<void> {
    await this.#alone(async () => this.takenBack(await this.#reconciliation.takeBackMoved()));
  }

  #failed(loop: string, error: unknown): void {
    const code = error instanceof RaeError ? error.code : 'RAE_INTERNAL';
    this.#options.events.emit('loop.failed', { loop, code, message: messageOf(error), retryInMs: RETRY_MS });
  }

  /** Runs `work` after whatever is under way, so that no two of them mix their pictures. */
  #alone(work: () => Promise<void>): Promise<void> {
    const turn = this.#work.catch(() => undefined).then(work);
    this.#work = turn;
    return turn;
  }
}
