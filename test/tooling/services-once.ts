import type { TestProject } from 'vitest/node';

/** What test/support/services.ts exports: an ordinary vitest global setup. */
type Setup = (project: Pick<TestProject, 'provide'>) => Promise<(() => Promise<void>) | undefined>;

interface Shared {
  users: number;
  readonly provided: Parameters<TestProject['provide']>[];
  readonly stop: Promise<(() => Promise<void>) | undefined>;
}

const SHARED = Symbol.for('rae.test.services');
const holder = globalThis as { [SHARED]?: Shared };

async function start(provided: Shared['provided']): Promise<(() => Promise<void>) | undefined> {
  // Not a static import: unit and architecture tests must load this config where the services cannot be had.
  const { default: setup } = (await import(new URL('../support/services.ts', import.meta.url).href)) as {
    default?: Setup;
  };
  if (setup === undefined) throw new Error('test/support/services.ts has no default export to start the services with');
  const provide = (...entry: Parameters<TestProject['provide']>) => void provided.push(entry);
  return await setup({ provide: provide as TestProject['provide'] });
}

/**
 * Starts the services of the db, fleet and fault layers once for all of them, and stops them after the last. Vitest
 * calls a global setup once per project, which would be three Postgres servers at a time.
 */
export default async function shareServices(project: TestProject): Promise<() => Promise<void>> {
  const provided: Shared['provided'] = [];
  holder[SHARED] ??= { users: 0, provided, stop: start(provided) };
  const shared = holder[SHARED];
  shared.users += 1;
  await shared.stop;
  for (const entry of shared.provided) project.provide(...entry);
  return async () => {
    shared.users -= 1;
    if (shared.users > 0) return;
    delete holder[SHARED];
    const stop = await shared.stop;
    await stop?.();
  };
}
