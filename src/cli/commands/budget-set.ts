import { Option } from 'commander';
import { RaeError } from '../../kernel/errors.ts';
import { BudgetBook } from '../../tenant/budget-book.ts';
import { assignment } from '../assignment.ts';
import { clean } from '../cell.ts';
import type { Command } from '../command.ts';
import { jsonIn } from '../json-file.ts';
import { knownTenant } from '../known-tenant.ts';
import { option, repeated, tenantId, text } from '../option.ts';
import { RemoteBudgets } from '../remote-money.ts';
import { budgetText } from './budget-show.ts';

const TENANT = '3f2a8c54-1f7e-4c0b-9a53-0d7e2b1c9f10';

interface Options {
  readonly tenant: string;
  readonly project?: string;
  readonly set?: readonly (readonly [field: string, value: unknown])[];
  readonly unset?: readonly string[];
  readonly file?: string;
  readonly remove?: true;
}

/** The fields that were given. @throws RaeError `RAE_USAGE` where they contradict each other, or there is none. */
function fieldsOf({ set = [], unset = [], file, remove }: Options): unknown {
  const named = [...set.map(([field]) => field), ...unset];
  const ways = [named.length > 0, file !== undefined, remove === true].filter(Boolean).length;
  if (ways === 0) throw new RaeError('RAE_USAGE', 'nothing to change: give --set, --unset, --file or --remove');
  if (ways > 1) throw new RaeError('RAE_USAGE', 'give either --set and --unset, or --file, or --remove');
  const twice = named.find((field, at) => named.indexOf(field) !== at);
  if (twice !== undefined) throw new RaeError('RAE_USAGE', `${clean(twice)} is named twice; say once what it is to be`);
  if (file !== undefined) return jsonIn(file);
  return Object.fromEntries([...unset.map((field): [string, unknown] => [field, null]), ...set]);
}

export const budgetSet: Command = {
  overApi: true,
  name: 'set',
  does: 'Makes or changes the budget of a tenant, or of one of its projects; it counts from the next call on.',
  needs: [option('--tenant <tenant>', 'its id', tenantId)],
  options: [
    option('--project <name>', 'the budget of this project; left out, that of all the tenant', text),
    repeated(
      '--set <field=value>',
      'set monthly_limit_usd, daily_limit_usd, monthly_tokens_limit, daily_tokens_limit, alert_thresholds, action_on_exceed, time_zone or channels (repeatable)',
      assignment,
    ),
    repeated('--unset <field>', 'give a field its default again (repeatable)', text),
    option('--file <file>', 'the fields as a JSON file; - is standard input', text),
    new Option('--remove', 'take the budget away; its alerts stay recorded'),
  ],
  examples: [
    `rae budget set --tenant ${TENANT} --set monthly_limit_usd=500 --set action_on_exceed=block`,
    `rae budget set --tenant ${TENANT} --project atlas --set daily_limit_usd=20 --set "alert_thresholds=[0.5,0.9]"`,
    `rae budget set --tenant ${TENANT} --file budget.json`,
  ],
  destroys: ({ remove }) =>
    remove === true ? 'The budget is gone, and nothing is blocked by it any more.' : undefined,
  run: async (call) => {
    const options = call.options<Options>();
    const { tenant, project = null } = options;
    const fields = fieldsOf(options);
    await knownTenant(call, tenant);
    const book = call.remote === undefined ? new BudgetBook(call.connection.tenants) : new RemoteBudgets(call.remote);
    if (options.remove === true) {
      const id = await book.remove(tenant, project);
      return {
        json: { tenant_id: tenant, budget_id: id, project, removed: true },
        text: () => `budget ${id} is removed`,
      };
    }
    const budget = await book.set(tenant, project, fields);
    return { json: { tenant_id: tenant, ...budget }, text: () => budgetText([budget], call) };
  },
};
