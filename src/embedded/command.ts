import { spawn } from 'node:child_process';
import { messageOf } from '../kernel/errors.ts';
import type { Identity } from './identity.ts';

/** A program to run to its end. */
export interface Command {
  readonly file: string;
  readonly args: readonly string[];
  readonly as?: Identity;
  readonly env: Readonly<Record<string, string>>;
  readonly cwd?: string;
  readonly input?: string;
  /** After this it is killed. Default: one minute. */
  readonly withinMs?: number;
}

/** How it went. `output` is the last of what it printed on either stream, or why it could not be started. */
export interface Ran {
  readonly ok: boolean;
  readonly output: string;
}

/** How much of a program's output is kept, in characters. */
const KEPT = 64 * 1024;

/** Runs a program to its end. Never rejects: that it is missing, forbidden or too slow is told like any failure. */
export function run(command: Command): Promise<Ran> {
  // That this process may not become another user is thrown, not emitted.
  return start(command).catch((error: unknown) => ({ ok: false, output: messageOf(error) }));
}

function start({ file, args, as, env, cwd = '/', input = '', withinMs = 60_000 }: Command): Promise<Ran> {
  return new Promise((resolve) => {
    let output = '';
    const keep = (chunk: string): void => {
      output = (output + chunk).slice(-KEPT);
    };
    // The working folder is named: an inherited one may be closed to the user the program runs as.
    const child = spawn(file, args, {
      cwd,
      env,
      stdio: 'pipe',
      signal: AbortSignal.timeout(withinMs),
      killSignal: 'SIGKILL',
      ...as?.ids,
    });
    // What this process began must not outlive it where it may still end in order.
    const kill = (): void => void child.kill('SIGKILL');
    process.once('exit', kill);
    const end = (ok: boolean): void => {
      process.off('exit', kill);
      resolve({ ok, output: output.trim() });
    };
    for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', keep);
    // A program that ends without reading its input is judged by its exit code, not by the broken pipe.
    child.stdin.on('error', () => undefined).end(input);
    child.on('error', (error) => {
      keep(error.name === 'AbortError' ? `\nstopped after ${withinMs / 1_000} s` : messageOf(error));
      end(false);
    });
    child.on('close', (code, signal) => {
      if (signal !== null) keep(`\nended by ${signal}`);
      end(code === 0);
    });
  });
}

/** The last lines of `text`, for a message. */
export function tail(text: string, lines = 6): string {
  return text.trim().split('\n').slice(-lines).join('\n');
}
