import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach } from 'vitest';
import { eventually } from './eventually.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const buildScript = fileURLToPath(new URL('../tooling/build.mjs', import.meta.url));
const main = fileURLToPath(new URL('../../.build/src/main/rae.js', import.meta.url));

/** How a process ended. */
export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** A real operating-system process with all that it printed. */
export class TestProcess {
  readonly says: string;
  readonly #child: ChildProcess;
  readonly #ended: Promise<Exit>;
  #out = '';
  #err = '';
  #exit: Exit | undefined;

  constructor(says: string, child: ChildProcess) {
    this.says = says;
    this.#child = child;
    child.stdout?.setEncoding('utf8').on('data', (chunk: string) => {
      this.#out += chunk;
    });
    child.stderr?.setEncoding('utf8').on('data', (chunk: string) => {
      this.#err += chunk;
    });
    this.#ended = new Promise((resolve) => {
      child.on('error', (error) => {
        this.#err += `${error.message}\n`;
        this.#exit = { code: null, signal: null };
        resolve(this.#exit);
      });
      child.on('close', (code, signal) => {
        this.#exit = { code, signal };
        resolve(this.#exit);
      });
    });
  }

  get pid(): number {
    return this.#child.pid ?? -1;
  }

  /** All it has printed on standard output so far. */
  get out(): string {
    return this.#out;
  }

  /** All it has printed on standard error so far. */
  get err(): string {
    return this.#err;
  }

  /** Undefined while it runs. */
  get exit(): Exit | undefined {
    return this.#exit;
  }

  /** The log lines (JSON, one per line) it has printed on standard error so far. */
  get logs(): readonly Record<string, unknown>[] {
    return this.#err.split('\n').flatMap((line) => {
      try {
        const entry: unknown = JSON.parse(line);
        return typeof entry === 'object' && entry !== null ? [entry as Record<string, unknown>] : [];
      } catch {
        return [];
      }
    });
  }

  /** Waits for a line on either stream that matches. @throws with all it printed when it ends or hangs before. */
  async line(pattern: RegExp, withinMs = 30_000): Promise<string> {
    return await eventually(
      () => {
        const found = `${this.#out}\n${this.#err}`.split('\n').find((line) => pattern.test(line));
        if (found === undefined && this.#exit !== undefined) throw new Error(`${this.#story()}\nno line ${pattern}`);
        return found;
      },
      { what: `a line ${pattern}`, withinMs, seen: () => this.#story() },
    );
  }

  /** Waits for a log line with this event name; `match` narrows it to fields. */
  async event(
    name: string,
    match: Readonly<Record<string, unknown>> = {},
    withinMs = 30_000,
  ): Promise<Record<string, unknown>> {
    const fits = (entry: Record<string, unknown>) =>
      entry.event === name && Object.entries(match).every(([key, value]) => entry[key] === value);
    return await eventually(
      () => {
        const found = this.logs.find(fits);
        if (found === undefined && this.#exit !== undefined) throw new Error(`${this.#story()}\nno event ${name}`);
        return found;
      },
      { what: `the event ${name}`, withinMs, seen: () => this.#story() },
    );
  }

  /** Sends a signal; one that has ended already is left alone. */
  kill(signal: NodeJS.Signals = 'SIGTERM'): void {
    if (this.#exit === undefined) this.#child.kill(signal);
  }

  /** Waits for its end and says how it came. @throws with all it printed when it does not end. */
  async ended(withinMs = 30_000): Promise<Exit> {
    await eventually(() => this.#exit, { what: 'its end', withinMs, seen: () => this.#story() });
    return await this.#ended;
  }

  #story(): string {
    const exit = this.#exit === undefined ? 'still runs' : `ended with ${JSON.stringify(this.#exit)}`;
    return `${this.says} (pid ${this.pid}) ${exit}\n${tail(this.#out)}\n${tail(this.#err)}`;
  }
}

const tail = (text: string): string => text.trim().split('\n').slice(-30).join('\n');

const running = new Set<TestProcess>();

/** What a program is started with. */
export interface ProgramOptions {
  readonly env?: Readonly<Record<string, string>>;
  /** As whom, where it is somebody else than this process; only root may ask for that. */
  readonly ids?: { readonly uid: number; readonly gid: number } | undefined;
  /** Its working folder. Default: the checkout. */
  readonly cwd?: string;
}

/** Starts any program. Its environment is what is given and PATH, nothing inherited; its output is kept. */
export function startProgram(file: string, args: readonly string[], options: ProgramOptions = {}): TestProcess {
  const { PATH = '', HOME = '', CI_RUN_MARK } = process.env;
  // The mark lets the pipeline find what a run left behind, so it must reach every process.
  const inherited = { PATH, HOME, ...(CI_RUN_MARK === undefined ? {} : { CI_RUN_MARK }) };
  const env = { ...inherited, ...options.env };
  const child = spawn(file, args, { cwd: options.cwd ?? root, env, stdio: ['ignore', 'pipe', 'pipe'], ...options.ids });
  const started = new TestProcess([file, ...args].join(' '), child);
  running.add(started);
  return started;
}

let isBuilt = false;

/** Builds where a source is newer than the build; once per file. */
function bringUpToDate(): void {
  if (isBuilt) return;
  const { status, stderr } = spawnSync(process.execPath, [buildScript], { encoding: 'utf8' });
  if (status !== 0) throw new Error(`the build fails:\n${stderr}`);
  isBuilt = true;
}

/** Starts `rae …` as an operator would, from the build, which is made first where it is not that of the sources. */
export function startRae(args: readonly string[], env: Readonly<Record<string, string>> = {}): TestProcess {
  bringUpToDate();
  return startProgram(process.execPath, [main, ...args], { env: { RAE_LOG_FORMAT: 'json', ...env } });
}

/** Ends every process this file started; called once at the top of a file that starts some. Fails for one that will not end. */
export function useProcesses(after: 'each' | 'all' = 'each'): void {
  const end = async () => {
    const left = [...running];
    running.clear();
    for (const one of left) one.kill('SIGKILL');
    await Promise.all(left.map((one) => one.ended()));
  };
  (after === 'each' ? afterEach : afterAll)(end);
}
