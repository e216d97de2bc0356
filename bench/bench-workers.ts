import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** A worker of the bench: what its folder holds follows from how its runs are performed. */
interface BenchWorker {
  readonly name: string;
  readonly does: string;
  readonly estimateMs: number;
  /** The effect, as the select list and the rest of a statement that gives {more, idle, counts}; undefined = code that sleeps. */
  readonly effect?: string;
}

const WORKERS: readonly BenchWorker[] = [
  {
    name: 'touch',
    does: 'Writes one row.',
    estimateMs: 0.2,
    effect: 'select false as more, false as idle, null::jsonb as counts from public.bench_touch(:tenant)',
  },
  {
    name: 'sleep-sql',
    does: 'Sleeps on the server, for as many ms as its payload says.',
    estimateMs: 2,
    effect: `select false as more, false as idle, null::jsonb as counts
  from pg_catalog.pg_sleep(coalesce((:payload ->> 'ms')::float8, 0) / 1000)`,
  },
  { name: 'sleep-code', does: 'Sleeps in the worker, for as many ms as its payload says.', estimateMs: 20 },
];

const HEADER = (name: string) => `-- statement: ${name}
-- takes :tenant, :payload
-- gives {more boolean, idle boolean, counts}
-- again safe
-- locks none
-- index none
`;

const code = `  async perform({ payload, step }) {
    await setTimeout(payload.ms);
    return await step(async () => done({}));
  },
`;

/** Puts the workers of the bench into the folder of workers of a checkout. */
export function writeWorkers(folder: string): void {
  for (const { name, does, estimateMs, effect } of WORKERS) {
    const own = join(folder, name);
    mkdirSync(own, { recursive: true });
    writeFileSync(
      join(own, 'contract.ts'),
      `import { z } from 'zod';
import { workerContract } from '../../src/fleet/worker.ts';

export const contract = workerContract({
  name: '${name}',
  does: '${does}',
  policy: z.strictObject({}),
  payload: z.strictObject({ ms: z.number().default(0) }),
  settings: z.strictObject({}),
});
`,
    );
    const isCode = effect === undefined;
    const imports = isCode
      ? `import { setTimeout } from 'node:timers/promises';\nimport { done, worker } from '../../src/fleet/worker.ts';`
      : `import { sqlBeside, worker } from '../../src/fleet/worker.ts';`;
    const how = isCode ? code : `  sql: sqlBeside(import.meta.url, ['effect']),\n  statements: 'effect',\n`;
    writeFileSync(
      join(own, 'worker.ts'),
      `${imports}
import { contract } from './contract.ts';

export default worker({
  contract,
  when: { catchUp: 'each', listens: [], servesSuspended: false, estimateMs: ${estimateMs} },
${how}});
`,
    );
    if (!isCode) writeFileSync(join(own, 'statements.sql'), `${HEADER('effect')}${effect}\n`);
  }
}
