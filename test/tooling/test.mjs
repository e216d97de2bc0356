// `npm test`: builds, then runs vitest with the given arguments (`npm test -- --project unit test/unit/ids.test.ts`).
// The last line is `N passed, N failed`, also when the build fails or vitest does not start.
import { fileURLToPath } from 'node:url';
import { announceCounts } from './counts.mjs';

announceCounts();
try {
  const { build } = await import('./build.mjs');
  build();
  const { parseCLI, startVitest } = await import('vitest/node');
  const { filter, options } = parseCLI(['vitest', 'run', ...process.argv.slice(2)]);
  options.config ??= fileURLToPath(new URL('vitest.config.ts', import.meta.url));
  // Reporters named on the command line replace those of the config; the last line is owed all the same.
  if (options.reporter) options.reporter.push(fileURLToPath(new URL('counts.mjs', import.meta.url)));
  const vitest = await startVitest('test', filter, options);
  if (!vitest.shouldKeepServer()) await vitest.exit();
} catch (error) {
  process.stderr.write(`${error.stack ?? error}\n`);
  process.exit(1);
}
