import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync, rmSync } from 'node:fs';
import { Socket } from 'node:net';
import { messageOf, RaeError } from '../kernel/errors.ts';
import { tail } from './command.ts';
import { GUARDIAN } from './guardian-script.ts';
import type { Identity } from './identity.ts';
import { isRunning, type ProcessStamp, signalTo, stampOf } from './process-stamp.ts';
import { until, within } from './until.ts';

/** A server to run until its owner ends. */
export interface Guarded {
  /** What it is called in messages. */
  readonly name: string;
  readonly command: readonly [string, ...string[]];
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string;
  readonly as: Identity;
  /** Where all it prints goes; begun anew at each start. */
  readonly log: string;
  /** The signal for an orderly end, and the one for an end at once when that takes longer than `graceMs`. */
  readonly soft: 'INT' | 'TERM';
  readonly hard: 'QUIT' | 'KILL';
  readonly graceMs: number;
  /** A folder that is removed when the server has ended because its owner did. */
  readonly wipe?: string;
}

/** A server that runs, and ends with this process at the latest. */
export interface Running {
  readonly server: ProcessStamp;
  readonly guardian: ProcessStamp;
  /** Resolves if the server ends without having been told to by `stop`. */
  readonly lost: Promise<void>;
  hasEnded(): boolean;
  /** The last lines of its log. */
  logTail(): string;
  /** Ends it, by force when it does not end in time. Idempotent; never rejects. */
  stop(): Promise<void>;
}

/** The stamp of a process that was gone before it could be looked at: matches nothing. */
function ended(pid: number): ProcessStamp {
  return { pid, started: 'ended' };
}

/** How long after the last resort the guardian itself may take, in milliseconds. */
const SLACK_MS = 5_000;

/** The pid that the guardian prints, or undefined when it could not start. */
function firstLine(child: ChildProcess): Promise<number | undefined> {
  return new Promise((resolve) => {
    let text = '';
    child.stdout?.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk;
      if (text.includes('\n')) resolve(Number(text));
    });
    child.on('close', () => resolve(undefined)).on('error', () => resolve(undefined));
  });
}

function spawnGuardian(guarded: Guarded): { readonly child: ChildProcess; readonly failed: () => string | undefined } {
  const { soft, hard, graceMs, wipe = '', command, env, cwd, as, log } = guarded;
  const args = [soft, hard, String(Math.ceil(graceMs / 100)), wipe, ...command];
  // Another user's log, from a start under root, cannot be written but replaced.
  rmSync(log, { force: true });
  const descriptor = openSync(log, 'w', 0o600);
  try {
    // Its own session: Ctrl-C in the terminal reaches the owner only, which ends the servers after it has drained.
    const child = spawn('/bin/sh', ['-c', 'eval "$GUARDIAN"', 'guardian', ...args], {
      cwd,
      env: { ...env, GUARDIAN },
      stdio: ['pipe', 'pipe', descriptor],
      detached: true,
      ...as.ids,
    });
    let failure: string | undefined;
    child.on('error', (error) => {
      failure = messageOf(error);
    });
    child.stdin?.on('error', () => undefined);
    return { child, failed: () => failure };
  } catch (error) {
    // That this process may not become another user is thrown, not emitted.
    throw new RaeError(
      'RAE_SERVICE_UNAVAILABLE',
      `${guarded.name} cannot be started as ${as.name}: ${messageOf(error)}`,
    );
  } finally {
    closeSync(descriptor);
  }
}

function readTail(path: string): string {
  try {
    return tail(readFileSync(path, 'utf8').slice(-16_384));
  } catch {
    return '';
  }
}

/** Ends the server: by closing the guardian's pipe, and directly where somebody has killed the guardian. */
async function end(child: ChildProcess, server: ProcessStamp, { soft, graceMs }: Guarded): Promise<void> {
  const gone = () => !isRunning(server) || undefined;
  const isAlone = hasExited(child);
  const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  child.ref();
  child.stdin?.end();
  if (isAlone) signalTo(server, `SIG${soft}`);
  else await within(exited, graceMs + SLACK_MS);
  if (!(await until(gone, graceMs))) signalTo(server, 'SIGKILL');
  await until(gone, SLACK_MS);
}

function hasExited(child: ChildProcess): boolean {
  return child.exitCode !== null || child.signalCode !== null;
}

/**
 * Starts a server under a guardian that ends it when this process is gone, however it went. Does not keep this process
 * alive. What it prints goes to `log`.
 * @throws RaeError `RAE_SERVICE_UNAVAILABLE` when the program cannot be started at all.
 */
export async function startGuarded(guarded: Guarded): Promise<Running> {
  const { child, failed } = spawnGuardian(guarded);
  const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  const pid = await firstLine(child);
  if (pid === undefined || child.pid === undefined) {
    const because = failed() ?? readTail(guarded.log);
    throw new RaeError('RAE_SERVICE_UNAVAILABLE', `${guarded.name} cannot be started: ${because}`);
  }
  const server = stampOf(pid) ?? ended(pid);
  let stopping: Promise<void> | undefined;
  child.stdout?.destroy();
  child.unref();
  if (child.stdin instanceof Socket) child.stdin.unref();
  return {
    server,
    guardian: stampOf(child.pid) ?? ended(child.pid),
    lost: new Promise((resolve) => void exited.then(() => stopping ?? resolve())),
    hasEnded: () => hasExited(child) && !isRunning(server),
    logTail: () => readTail(guarded.log),
    stop: () => {
      stopping ??= end(child, server, guarded);
      return stopping;
    },
  };
}
