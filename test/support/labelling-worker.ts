import type { WorkerFolder } from './checkout-copy.ts';

const contract = `import { z } from 'zod';
import { scheduleFields, workerContract } from '../../src/fleet/worker.ts';

export const labelling = workerContract({
  name: 'labelling',
  does: 'Writes the day of the slot on every memory.',
  policy: z.strictObject({ ...scheduleFields('20 3 * * *'), prefix: z.string().max(20).default('seen') }),
  payload: z.strictObject({}),
  settings: z.strictObject({}),
});
`;

const definition = `import { sqlBeside, worker } from '../../src/fleet/worker.ts';
import { labelling } from './contract.ts';

export default worker({
  contract: labelling,
  when: { catchUp: 'skip', listens: ['memory'], servesSuspended: false, estimateMs: 5 },
  sql: sqlBeside(import.meta.url, ['label']),
  statements: 'label',
});
`;

const functions = `-- function: label_memories
-- takes tenant, slot, policy
-- gives {more, idle, counts {labelled}}
-- again safe: what has the label is left alone
-- locks the memories
-- index memories_pkey
-- role rae_worker
create function {{label_memories}}(p_tenant uuid, p_slot timestamptz, p_policy jsonb)
  returns table (more boolean, idle boolean, counts jsonb)
  language plpgsql volatile security invoker
as $$
declare
  v_label constant text := (p_policy ->> 'prefix') || ' ' || to_char(p_slot at time zone 'UTC', 'YYYY-MM-DD');
  v_labelled bigint;
begin
  update public.memories m set human_label = v_label where m.tenant_id = p_tenant and m.human_label is distinct from v_label;
  get diagnostics v_labelled = row_count;
  return query select false, false, jsonb_build_object('labelled', v_labelled);
end
$$;
`;

const statements = `-- statement: label
-- takes :tenant, :slot, :policy
-- gives {more boolean, idle boolean, counts {labelled}}
-- again safe
-- locks the memories
-- index memories_pkey
select more, idle, counts from {{label_memories}}(:tenant, :slot, :policy)
`;

/** A worker whose effect is one statement, and which lets missed slots go. */
export const LABELLING: WorkerFolder = {
  'contract.ts': contract,
  'worker.ts': definition,
  'functions.sql': functions,
  'statements.sql': statements,
};
