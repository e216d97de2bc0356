import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
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
  readonly stamp: ProcessStamp;
  /** Resolves when the server has ended, whoever ended it. */
  readonly ended: Promise<void>;
  hasEnded(): boolean;
  /** The last lines of its log. */
  logTail(): string;
  /** Ends it, by force when it does not end in time. Idempotent; never rejects. */
  stop(): Promise<void>;
}

/** How long after the last resort the guardian itself may take, in milliseconds. */
const SLACK_MS = 5_000;

/** The pid that the guardian prints, or undefined when it could not start. */
function firstLine(child: ChildProcess): Promise<string | undefined> {
  return new Promise((resolve) => {
    let text = '';
    child.stdout?.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk;
      if (text.includes('\n')) resolve(text.trim());
    });
    child.on('close', () => resolve(undefined)).on('error', () => resolve(undefined));
  });
}

function spawnGuardian(guarded: Guarded): { readonly child: ChildProcess; readonly failed: () => string | undefined } {
  const { soft, hard, graceMs, wipe = '', command, env, cwd, as, log } = guarded;
  const args = [soft, hard, String(Math.ceil(graceMs / 100)), wipe, ...command];
  const descriptor = openSync(log, 'w', 0o600);
  try {
    // Its own session: Ctrl-C in the terminal reaches the owner only, which ends the servers after it has drained.
    const child = spawn('/bin/sh', ['-c', GUARDIAN, 'guardian', ...args], {
      cwd,
      env,
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

/**
 * Starts a server under a guardian that ends it when this process is gone, however it went. Does not keep this process
 * alive. What it prints goes to `log`.
 * @throws RaeError `RAE_SERVICE_UNAVAILABLE` when the program cannot be started at all.
 */
export async function startGuarded(guarded: Guarded): Promise<Running> {
  const { child, failed } = spawnGuardian(guarded);
  const ended = new Promise<void>((resolve) => {
    child.on('exit', resolve);
    child.on('error', () => resolve());
  });
  const pid = Number(await firstLine(child));
  const stamp = Number.isInteger(pid) ? (stampOf(pid) ?? { pid, started: 'ended' }) : undefined;
  if (stamp === undefined) {
    throw new RaeError(
      'RAE_SERVICE_UNAVAILABLE',
      `${guarded.name} cannot be started: ${failed() ?? readTail(guarded.log)}`,
    );
  }
  child.stdout?.destroy();
  child.unref();
  (child.stdin as { unref?(): void } | null)?.unref?.();
  const hasEnded = (): boolean => child.exitCode !== null || child.signalCode !== null;
  let stopping: Promise<void> | undefined;
  const stop = async (): Promise<void> => {
    child.ref();
    child.stdin?.end();
    await within(ended, guarded.graceMs + SLACK_MS);
    // Only where somebody killed the guardian is there still something to end.
    if (signalTo(stamp, 'SIGKILL')) await until(() => !isRunning(stamp) || undefined, SLACK_MS);
  };
  return {
    stamp,
    ended,
    hasEnded,
    logTail: () => readTail(guarded.log),
    stop: () => {
      stopping ??= stop();
      return stopping;
    },
  };
}
