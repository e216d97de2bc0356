import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { draftOf, publish, sweepDrafts } from '../../src/embedded/publish.ts';

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'rae-publish-'));
});

afterEach(() => {
  rmSync(folder, { recursive: true });
});

/** A folder in the making that holds the file `by` with that word in it. */
function draft(target: string, by: string): string {
  const path = draftOf(target);
  mkdirSync(path);
  writeFileSync(join(path, 'by'), by);
  return path;
}

it.each([
  ['of two that publish the same folder the first one stays', true, 'first'],
  ['a published folder that is broken is replaced', false, 'second'],
])('%s, and nothing half-made is left', async (_title, isGood, stays) => {
  const target = join(folder, 'tree');
  for (const by of ['first', 'second']) await publish(draft(target, by), target, async () => isGood);
  expect(readFileSync(join(target, 'by'), 'utf8')).toBe(stays);
  expect(readdirSync(folder)).toEqual(['tree']);
});

it('what a killed start left half-made is swept after an hour, and nothing else', () => {
  const [old, fresh] = [draft(join(folder, 'tree'), 'killed'), draft(join(folder, 'tree'), 'at work')];
  const kept = join(folder, 'tree-1.0');
  mkdirSync(kept);
  for (const path of [old, kept]) utimesSync(path, new Date(0), new Date(0));
  sweepDrafts(folder);
  expect([old, fresh, kept].map((path) => existsSync(path))).toEqual([false, true, true]);
});
