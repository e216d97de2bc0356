// `npm run check`: format and lint, types, architecture, unit tests. Needs no Postgres and no Redis.
// One line per stage; what a failing stage printed follows, and the last line counts the stages.
import { spawn } from 'node:child_process';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { announceCounts, recordRun } from './counts.mjs';

const root = fileURLToPath(new URL('../..', import.meta.url));
const require = createRequire(import.meta.url);

/** The absolute path of `file` in the installed package `name`. */
const installed = (name, file) => join(dirname(require.resolve(`${name}/package.json`)), file);

const vitest = [installed('vitest', 'vitest.mjs'), 'run', '--config', 'test/tooling/vitest.config.ts', '--project'];
const stages = [
  {
    name: 'format and lint',
    args: [installed('@biomejs/biome', 'bin/biome'), 'check', '--config-path', 'test/tooling', '.'],
  },
  { name: 'types', args: [installed('typescript', 'bin/tsc'), '-p', 'test/tooling/tsconfig.json'] },
  { name: 'architecture', args: [...vitest, 'architecture'] },
  { name: 'unit', args: [...vitest, 'unit'] },
];

/** Runs one stage to its end, with nothing to read from, and gives what it printed where it failed. */
function run({ name, args }) {
  const started = performance.now();
  return new Promise((resolve) => {
    const child = spawn(process.execPath, args, { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] });
    const printed = [];
    child.stdout.on('data', (chunk) => printed.push(chunk));
    child.stderr.on('data', (chunk) => printed.push(chunk));
    child.on('error', (error) => printed.push(Buffer.from(`${error.message}\n`)));
    let ended = false;
    const end = (code, signal) => {
      if (ended) return;
      ended = true;
      const seconds = ((performance.now() - started) / 1_000).toFixed(1);
      const passed = code === 0;
      process.stdout.write(`${passed ? 'ok    ' : 'FAILED'} ${name.padEnd(16)} ${seconds.padStart(6)} s\n`);
      const words = Buffer.concat(printed).toString();
      resolve({ name, passed, words: passed ? '' : `${words}${signal ? `ended by ${signal}\n` : ''}` });
    };
    child.on('close', end);
    // A daemon that keeps the pipe open must not keep this open: what the stage itself printed is there in a moment.
    child.on('exit', (code, signal) => setTimeout(end, 1_000, code, signal).unref());
  });
}

announceCounts();
// All at once: a failure in one should not hide those in the others, and the longest decides how long it takes.
const results = await Promise.all(stages.map(run));
const failed = results.filter((result) => !result.passed);
for (const { name, words } of failed) process.stdout.write(`\n--- ${name} ---\n${words}`);
recordRun({ passed: results.length - failed.length, failed: failed.length, skipped: 0 });
// Not by running out of work: a pipe that a daemon keeps open is work for ever.
process.exit();
