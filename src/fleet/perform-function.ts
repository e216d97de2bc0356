import { readFileSync } from 'node:fs';
import { type FunctionSet, functionsOf } from '../db/function-set.ts';
import { type Statement, statement } from '../db/statement.ts';
import { RaeError } from '../kernel/errors.ts';
import { ledgerFunctions } from '../ledger/run-ledger.ts';
import type { WorkerDefinition } from './worker.ts';

const template = readFileSync(new URL('./perform.sql', import.meta.url), 'utf8');

/** What a statement of a worker may name, and the variable of the template that stands for it. */
const VARIABLES: Readonly<Record<string, string>> = {
  tenant: 'v_tenant',
  run: 'v_run',
  slot: 'v_slot',
  slots: 'v_slots',
  policy: 'v_policy',
  document: 'v_document',
  settings: 'p_settings',
  payload: 'v_payload',
};

/** The fused function of a worker whose effect is a statement: what `rae migrate` installs, and how to call it. */
export interface PerformFunction {
  readonly functions: FunctionSet;
  /** Takes $1 tenant, then the function's other parameters; gives an `AnswerRow`. */
  readonly call: Statement;
  /** Takes $1 tenants, $2 runs, $3 attempts, $4 epochs, $5 payload hashes, then the procedure's other parameters; gives a column of arrays for each column of an `AnswerRow`. Commits per run. */
  readonly batch: Statement;
}

/**
 * Composes claim, the worker's effect and finish into one database function.
 * @throws RaeError `RAE_STATEMENT_INVALID` where the effect names something else than it may.
 */
export function performFunction(definition: WorkerDefinition): PerformFunction | undefined {
  if (definition.how.kind !== 'statements') return undefined;
  const name = definition.contract.name.replaceAll('-', '_');
  const effect = definition.how.effect.text.replace(/(?<!:):([a-z_]+)/g, (_all, wanted: string) => {
    const variable = VARIABLES[wanted];
    if (variable !== undefined) return variable;
    throw new RaeError('RAE_STATEMENT_INVALID', `workers/${definition.contract.name}: its effect uses :${wanted}`, {
      hint: `it may use :${Object.keys(VARIABLES).join(', :')}`,
    });
  });
  const text = template
    .replaceAll('perform_NAME', `perform_${name}`)
    .replaceAll('perform_batch_NAME', `perform_batch_${name}`)
    .replaceAll('WORKER', definition.contract.name)
    .replaceAll('ADD_COUNTS', ledgerFunctions.installedName('add_counts'))
    .replaceAll('EFFECT\n', () => `${effect}\n`);
  const functions = functionsOf(`perform.sql for ${definition.contract.name}`, text);
  const called = functions.installedName(`perform_${name}`);
  const batch = functions.installedName(`perform_batch_${name}`);
  return {
    functions,
    batch: statement(
      `perform_batch_${name}`,
      `call ${batch}($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, null, null, null, null, null)`,
    ),
    call: statement(`perform_${name}`, `select * from ${called}($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)`),
  };
}
