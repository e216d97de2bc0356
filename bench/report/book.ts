import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Machine } from '../machine.ts';
import type { Result } from '../verdict.ts';

/** The figures of a row, and of what they were measured. */
export interface Entry {
  readonly result: Result;
  readonly machine: Machine;
  /** The day, as 2026-11-28. */
  readonly day: string;
  /** The commit that was measured, `-dirty` where the checkout differed from it; `unknown` without git. */
  readonly revision: string;
}

const fileOf = (root: string) => join(root, 'docs', 'performance', 'figures.json');

/** The newest figures of every row that was ever entered, by the id of the row. */
export function readBook(root: string): Readonly<Record<string, Entry>> {
  const file = fileOf(root);
  return existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as Record<string, Entry>) : {};
}

/**
 * Enters figures in docs/performance/figures.json: they replace those of the same rows. Rows the bench no longer has go.
 * @returns the book, in the order of `ids`.
 */
export function enter(
  root: string,
  machine: Machine,
  results: readonly Result[],
  ids: readonly string[],
): readonly Entry[] {
  const day = new Date().toISOString().slice(0, 10);
  const revision = revisionOf(root);
  const known = new Map(Object.entries(readBook(root)));
  for (const result of results) known.set(result.id, { result, machine, day, revision });
  const entries = ids.flatMap((id) => known.get(id) ?? []);
  const file = fileOf(root);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(
    file,
    `${JSON.stringify(Object.fromEntries(entries.map((entry) => [entry.result.id, entry])), null, 1)}\n`,
  );
  return entries;
}

/** What is measured; the page itself differs after every run and says nothing of that. */
const SOURCES = ['src', 'workers', 'queues', 'migrations', 'bench', 'package-lock.json'];

function revisionOf(root: string): string {
  const git = (...args: string[]) =>
    execFileSync('git', args, { cwd: root, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
  try {
    const revision = git('rev-parse', '--short=8', 'HEAD');
    return git('status', '--porcelain', '--', ...SOURCES) === '' ? revision : `${revision}-dirty`;
  } catch {
    return 'unknown';
  }
}
