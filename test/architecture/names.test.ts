import { expect, it } from 'vitest';
import { shown } from './rules/finding.ts';
import { repository } from './rules/tree.ts';
import { jobsOutsideQueues, wordsOf } from './rules/words.ts';

const count = (path: string, text: string): number => jobsOutsideQueues([{ path, text }]).length;

it('what is owed to a tenant is called a run, never a job', () => {
  expect(shown(jobsOutsideQueues(repository()))).toEqual([]);
});

it.each([
  'const job = 1;',
  'function claimJob() {}',
  'interface Jobs {}',
  'const a = { jobId: 1 };',
  'class A { #job = 1 }',
  'const MAX_JOBS = 1;',
])('would not pass: %s', (text) => {
  expect(count('src/ledger/a.ts', text)).toBe(1);
  expect(count('queues/a.ts', text)).toBe(0);
});

it('speaks of a file named for jobs too', () => {
  expect(count('src/ledger/job-state.ts', '')).toBe(1);
  expect(count('src/ledger/jobs.sql', '')).toBe(1);
});

it.each(['// a BullMQ job carries a ticket', "const a = 'job';", 'const jobber = 1;', 'const worker = 1;'])(
  'passes: %s',
  (text) => {
    expect(count('src/ledger/a.ts', text)).toBe(0);
  },
);

it('takes a name apart into its words', () => {
  expect(wordsOf('claimJobNow')).toEqual(['claim', 'job', 'now']);
  expect(wordsOf('MAX_JOBS')).toEqual(['max', 'jobs']);
  expect(wordsOf('HTTPServer')).toEqual(['http', 'server']);
});
