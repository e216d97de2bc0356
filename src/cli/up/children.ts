import { type ChildProcess, spawn } from 'node:child_process';
import { close, mkdirSync, openSync, write } from 'node:fs';
import { join } from 'node:path';
import type { Clock } from '../../kernel/clock.ts';
import { EXIT, RaeError } from '../../kernel/errors.ts';

/** One process of the fleet. */
export interface ChildPlan {
  /** Shown to people; also names its log file. */
  readonly name: string;
  /** Arguments of `rae`. */
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** What the supervisor of the children is told and given. */
export interface ChildrenOptions {
  /** The compiled `rae`. */
  readonly program: string;
  readonly logDir: string;
  readonly clock: Clock;
  /** A child ended that should not have; it is started again after a pause. */
  readonly onCrash: (name: string, how: string) => void;
}

const TAIL_BYTES = 4_000;
const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 15_000;
/** A child that ran for so long is well: its next crash begins with the short pause again. */
const WELL_MS = 30_000;

/**
 * The processes of a fleet on one machine. Each writes its log to a file of its own, is started again when it crashes,
 * and ends with this process, however that ends: the channel between them breaks.
 */
export class Children {
  readonly #options: ChildrenOptions;
  readonly #running = new Map<string, ChildProcess>();
  readonly #ports = new Map<string, number>();
  readonly #served = new Map<string, number>();
  readonly #pauses = new Set<NodeJS.Timeout>();
  #stopping = false;

  constructor(options: ChildrenOptions) {
    this.#options = options;
    mkdirSync(options.logDir, { recursive: true });
  }

  /** The port of each child's /healthz, /readyz and /metrics. */
  get ports(): Readonly<Record<string, number>> {
    return Object.fromEntries(this.#ports);
  }

  /** Where each child serves others, by its name. */
  get served(): Readonly<Record<string, number>> {
    return Object.fromEntries(this.#served);
  }

  /**
   * Starts all of them; resolves when every one is ready.
   * @throws RaeError with what it said when one of them ends before it is.
   */
  async start(plans: readonly ChildPlan[]): Promise<void> {
    await Promise.all(plans.map((plan) => this.#start(plan, FIRST_PAUSE_MS, true)));
  }

  /** Lets every child drain; resolves when none is left. @param force kill them instead. */
  async stop(force = false): Promise<void> {
    this.#stopping = true;
    for (const pause of this.#pauses) clearTimeout(pause);
    await Promise.all(
      [...this.#running.values()].map((child) => {
        const ended = new Promise<void>((resolve) => child.once('close', () => resolve()));
        child.kill(force ? 'SIGKILL' : 'SIGTERM');
        return child.exitCode === null && child.signalCode === null ? ended : undefined;
      }),
    );
  }

  #start(plan: ChildPlan, pauseMs: number, first: boolean): Promise<void> {
    const { program, logDir, clock } = this.#options;
    const log = openSync(join(logDir, `${plan.name.replaceAll(' ', '-')}.log`), 'a', 0o600);
    // In a group of its own, so that Ctrl-C in the terminal reaches only this process, which drains the children in order.
    const child = spawn(process.execPath, [program, ...plan.args], {
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
      env: plan.env,
      detached: true,
    });
    this.#running.set(plan.name, child);
    const started = clock.monotonicMs();
    let tail = '';
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      tail = (tail + text).slice(-TAIL_BYTES);
      // A full disk must not end the fleet for want of a log; a stream would be closed by it for good.
      write(log, text, () => undefined);
    });
    return new Promise((resolve, reject) => {
      let ready = false;
      child.on('message', (message) => {
        if (typeof message !== 'object' || message === null || !('ready' in message)) return;
        ready = true;
        if ('port' in message) this.#ports.set(plan.name, Number(message.port));
        if ('servedPort' in message) this.#served.set(plan.name, Number(message.servedPort));
        resolve();
      });
      child.on('error', reject);
      child.on('close', (code, signal) => {
        close(log);
        this.#running.delete(plan.name);
        if (this.#stopping) return resolve();
        if (first && !ready) {
          return reject(failedStart(plan.name, tail, code ?? signal));
        }
        this.#options.onCrash(plan.name, signal ?? `exit ${code}`);
        const well = clock.monotonicMs() - started > WELL_MS;
        const wait = well ? FIRST_PAUSE_MS : pauseMs;
        const pause = setTimeout(() => {
          this.#pauses.delete(pause);
          // A second crash is told like the first; nobody waits for this start.
          void this.#start(plan, Math.min(2 * wait, LONGEST_PAUSE_MS), false).catch(() => undefined);
        }, wait);
        this.#pauses.add(pause);
      });
    });
  }
}

/** What a process said before it ended, without its log: that is in its file. */
function failedStart(name: string, tail: string, end: number | NodeJS.Signals | null): RaeError {
  const words = tail.split('\n').filter((line) => !line.startsWith('{') && line.trim() !== '');
  const [first = `it ended with ${end} and said nothing`, ...hints] = words;
  const code = end === EXIT.refused ? 'RAE_REFUSED' : end === EXIT.usage ? 'RAE_CONFIG_INVALID' : 'RAE_INTERNAL';
  const hint = hints.length === 0 ? undefined : hints.join('\n');
  return new RaeError(code, `${name} did not start: ${first.replace(/^error: /, '')}`, { hint });
}
