import { expect, it } from 'vitest';
import { readmeWorker } from '../support/readme-worker.ts';
import { shown, type TextFile } from './rules/finding.ts';
import { repository } from './rules/tree.ts';
import { workerFolders } from './rules/worker-folders.ts';

const whole: readonly TextFile[] = [
  { path: 'workers/index.ts', text: '' },
  { path: 'workers/decay/contract.ts', text: "export const contract = { name: 'decay' };" },
  { path: 'workers/decay/policy.ts', text: '' },
  { path: 'workers/decay/worker.ts', text: "const sql = load('statements.sql');" },
  { path: 'workers/decay/statements.sql', text: '' },
];

it('every worker has its contract, its policy, itself and its SQL in one folder', () => {
  expect(shown(workerFolders(repository()))).toEqual([]);
  expect(workerFolders(whole)).toEqual([]);
});

it('the worker that the README shows keeps that too', () => {
  const files = Object.entries(readmeWorker('label')).map(([file, text]) => ({ path: `workers/label/${file}`, text }));
  expect(files).toHaveLength(4);
  expect(shown(workerFolders(files))).toEqual([]);
});

it.each([1, 2, 3, 4])('would not pass without %i', (missing) => {
  expect(workerFolders(whole.filter((_file, index) => index !== missing))).toHaveLength(1);
});

it('a contract names the folder it is in', () => {
  const renamed = whole.map(({ path, text }) => ({ path: path.replace('decay', 'fading'), text }));
  expect(shown(workerFolders(renamed))).toEqual(["workers/fading:1 has a contract that does not name it 'fading'"]);
});
