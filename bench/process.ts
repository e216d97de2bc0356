import { type ChildProcess, spawn } from 'node:child_process';

/** Processes of the bench that have not ended; each ends with this one, since the channel between them breaks. */
const running = new Set<BenchProcess>();

/** How much of a log is kept, in characters. */
const KEPT = 4_000_000;

/** A process that the bench measures: of the fleet, or of a peer. */
export class BenchProcess {
  readonly name: string;
  readonly #child: ChildProcess;
  readonly #ended: Promise<void>;
  readonly #heard: ((message: unknown) => void)[] = [];
  #said = '';
  #over = false;

  /** @param args what Node is given, the program first. */
  constructor(name: string, args: readonly string[], env: Readonly<Record<string, string>>) {
    const { PATH = '', HOME = '' } = process.env;
    this.name = name;
    // In a group of its own: Ctrl-C reaches the bench alone, which ends its processes itself.
    this.#child = spawn(process.execPath, [...args], {
      env: { PATH, HOME, ...env },
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
      detached: true,
    });
    running.add(this);
    this.#child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.#said = (this.#said + text).slice(-KEPT);
    });
    this.#child.on('message', (message) => {
      for (const heard of this.#heard) heard(message);
    });
    this.#ended = new Promise((resolve) => {
      const over = () => {
        this.#over = true;
        running.delete(this);
        resolve();
      };
      this.#child.on('close', over);
      this.#child.on('error', over);
    });
  }

  get pid(): number {
    return this.#child.pid ?? -1;
  }

  /** What it has written to its log, the last of it. */
  get said(): string {
    return this.#said;
  }

  /** Tells it something. */
  send(message: object): void {
    if (!this.#over) this.#child.send(message);
  }

  /** The next message for which `is` holds. @throws with what it said last when it ends before. */
  async hears<T>(is: (message: unknown) => message is T): Promise<T> {
    return await Promise.race([
      new Promise<T>((resolve) => {
        const heard = (message: unknown) => {
          if (!is(message)) return;
          this.#heard.splice(this.#heard.indexOf(heard), 1);
          resolve(message);
        };
        this.#heard.push(heard);
      }),
      this.#ended.then(() => {
        throw new Error(`${this.name} ended:\n${this.#said.slice(-4_000)}`);
      }),
    ]);
  }

  /** Waits until it says that it is ready. */
  async ready(): Promise<this> {
    await this.hears(
      (message): message is { ready: true } => typeof message === 'object' && message !== null && 'ready' in message,
    );
    return this;
  }

  /** Never resolves. @throws with what it said when it ends by itself. */
  async failed(): Promise<never> {
    await this.#ended;
    throw new Error(`${this.name} ended:\n${this.#said.slice(-4_000)}`);
  }

  /** Waits for its end. @throws with what it said where it fails. */
  async ended(): Promise<void> {
    await this.#ended;
    if (this.#child.exitCode !== 0)
      throw new Error(`${this.name} ended with ${this.#child.exitCode}:\n${this.#said.slice(-4_000)}`);
  }

  /** Ends it in order; one that does not end within 10 s is killed. */
  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
    this.#child.kill(signal);
    const late = setTimeout(() => this.#child.kill('SIGKILL'), 10_000);
    await this.#ended;
    clearTimeout(late);
  }
}

/** Kills whatever still runs. */
export async function killAll(): Promise<void> {
  await Promise.all([...running].map((one) => one.stop('SIGKILL')));
}
