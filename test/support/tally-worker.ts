import type { WorkerFolder } from './checkout-copy.ts';

const contract = `import { z } from 'zod';
import { scheduleFields, workerContract } from '../../src/fleet/worker.ts';

export const tally = workerContract({
  name: 'tally',
  does: 'Counts up the usage of every memory, a few memories per step.',
  policy: z.strictObject({
    ...scheduleFields('10 3 * * *'),
    per_step: z.int().min(1).max(1_000).default(4),
    hangs: z.boolean().default(false),
  }),
  payload: z.strictObject({}),
  settings: z.strictObject({ step_ms: z.int().min(0).default(0) }),
});
`;

const code = `import { done, sqlBeside, worker, yielded } from '../../src/fleet/worker.ts';
import { tally } from './contract.ts';

const sql = sqlBeside(import.meta.url, ['countUp', 'linger']);

interface Progress {
  readonly after: string;
  readonly counted: number;
}

const BEGIN: Progress = { after: '00000000-0000-0000-0000-000000000000', counted: 0 };

export default worker({
  contract: tally,
  when: { catchUp: 'each', listens: ['memory'], servesSuspended: false, estimateMs: 20 },
  sql,
  async perform(run) {
    let progress = (run.progress as Progress | undefined) ?? BEGIN;
    while (!run.signal.aborted) {
      const outcome = await run.step(async (tx, keep) => {
        const { after, counted } = progress;
        const rows = await tx.rows<{ id: string }>(sql.statements.countUp, [run.tenantId, after, run.policy.per_step]);
        await tx.rows(sql.statements.linger, [run.settings.step_ms]);
        progress = { after: rows.at(-1)?.id ?? after, counted: counted + rows.length };
        keep(progress);
        return rows.length < run.policy.per_step ? done({ counted: progress.counted }) : undefined;
      });
      if (outcome !== undefined) return outcome;
      if (run.policy.hangs) await new Promise(() => undefined);
    }
    return yielded();
  },
});
`;

const statements = `-- statement: countUp
-- takes $1 tenant uuid, $2 after which memory uuid, $3 how many int
-- gives {id} per memory counted up, in id order
-- again only inside a step: it counts
-- locks the memories, in id order
-- index memories_pkey
with next as (
  select id from public.memories where tenant_id = $1 and id > $2 order by id limit $3 for update),
counted as (
  update public.memories m set usage_count = m.usage_count + 1 from next n where m.tenant_id = $1 and m.id = n.id)
select id from next order by id

-- statement: linger
-- takes $1 for how long ms int
-- gives nothing
-- again safe
-- locks none
-- index none
select pg_catalog.pg_sleep($1::int / 1000.0)
`;

/**
 * A worker whose effect is code of several steps, each with progress: what it counts shows every step that was lost or
 * done twice. Its setting step_ms makes a step last; with the policy's \`hangs\` it never ends after its first step.
 */
export const TALLY: WorkerFolder = { 'contract.ts': contract, 'worker.ts': code, 'statements.sql': statements };
