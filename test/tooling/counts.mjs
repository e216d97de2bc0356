// The plain last line of a test run: `N passed, N failed`. A reporter for vitest, and the promise that the line is
// printed however the run ends: a config that does not load or a service that does not start is a failure too.
const STATE = Symbol.for('rae.test.counts');

/** The one record of this process; vitest and test.mjs may load this module separately. */
function state() {
  process[STATE] ??= { announced: false, ended: false, passed: 0, failed: 0, skipped: 0 };
  return process[STATE];
}

/**
 * Prints the line as the last thing this process does. Where the run never ended, or ended badly without a failed
 * test to show for it, one failure stands for that; a failure makes the exit code non-zero.
 */
export function announceCounts() {
  const counts = state();
  if (counts.announced) return;
  counts.announced = true;
  process.on('exit', (code) => {
    const failed = counts.failed === 0 && (code !== 0 || !counts.ended) ? 1 : counts.failed;
    if (failed > 0 && code === 0) process.exitCode = 1;
    process.stdout.write(`${countsLine({ ...counts, failed })}\n`);
  });
}

/** Says how the run ended; without this the line counts one failure. */
export function recordRun(counts) {
  Object.assign(state(), counts, { ended: true });
}

/** `3 passed, 0 failed`, with `, 1 skipped` where something was. */
export function countsLine({ passed, failed, skipped = 0 }) {
  return `${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`;
}

/**
 * What a finished run amounts to. A file or a suite with an error of its own (it does not load, a hook throws) is a
 * failure, for its tests were never asked; so is a test that never ran, and an error outside all tests.
 */
export function countRun(modules, unhandledErrors, reason) {
  const counts = { passed: 0, failed: unhandledErrors.length, skipped: 0 };
  for (const file of modules) {
    counts.failed += file.errors().length;
    for (const suite of file.children.allSuites()) counts.failed += suite.errors().length;
    for (const test of file.children.allTests()) {
      const outcome = test.result().state;
      counts[outcome === 'pending' ? 'failed' : outcome] += 1;
    }
  }
  if (reason !== 'passed' && counts.failed === 0) counts.failed = 1;
  return counts;
}

/** The reporter; vitest makes one per run. */
export default class CountsReporter {
  onInit() {
    announceCounts();
  }

  onTestRunEnd(modules, unhandledErrors, reason) {
    recordRun(countRun(modules, unhandledErrors, reason));
  }
}
