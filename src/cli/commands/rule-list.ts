import type { Command } from '../command.ts';
import { argument, option, tenantId, text, whole } from '../option.ts';
import { rulesOf } from '../rule-source.ts';
import { RULE_COLUMNS, stateOf } from '../rule-view.ts';
import { table } from '../table.ts';
import { shownInstant } from '../tenant-view.ts';

const TENANT = '3f2a8c54-1f7e-4c0b-9a53-0d7e2b1c9f10';

export const ruleList: Command = {
  overApi: true,
  name: 'list',
  does: "Lists a tenant's rules in the order in which they are asked; with a rule named, what it did last.",
  arguments: [argument('[rule]', 'its name or id: lists what it did', text)],
  needs: [option('--tenant <tenant>', 'its id', tenantId)],
  options: [option('--limit <n>', 'with a rule named: how many of its executions', whole(1, 10_000)).default(50)],
  examples: [`rae rule list --tenant ${TENANT}`, `rae rule list "drift storm" --tenant ${TENANT} --json`],
  run: async (call) => {
    const [named] = call.args<[string | undefined]>();
    const { tenant, limit } = call.options<{ readonly tenant: string; readonly limit: number }>();
    const book = await rulesOf(call, tenant);
    if (named === undefined) {
      const rules = await book.list(tenant);
      return {
        json: {
          tenant_id: tenant,
          rules: rules.map((rule) => ({ ...rule, since_number: Number(rule.since_number), state: stateOf(rule) })),
        },
        text: () => (rules.length === 0 ? 'no rule' : table(RULE_COLUMNS, rules, call.out.look)),
      };
    }
    const rule = await book.find(tenant, named);
    const executions = await book.executions(tenant, rule.trigger_id, limit);
    const columns = [
      { title: 'NUMBER', value: (one: (typeof executions)[number]) => one.number, align: 'right' as const },
      { title: 'AT', value: (one: (typeof executions)[number]) => shownInstant(one.at) },
      { title: 'EVENT', value: (one: (typeof executions)[number]) => one.event_type },
      { title: 'OUTCOME', value: (one: (typeof executions)[number]) => one.reason ?? one.outcome },
      {
        title: 'ACTIONS',
        value: (one: (typeof executions)[number]) =>
          one.actions.map(({ type, state }) => `${type} ${state}`).join(', '),
        shrinks: true,
      },
      { title: 'WHY', value: (one: (typeof executions)[number]) => one.detail ?? undefined, shrinks: true },
    ];
    return {
      json: { tenant_id: tenant, trigger_id: rule.trigger_id, rule_name: rule.rule_name, executions },
      text: () => (executions.length === 0 ? 'it did nothing yet' : table(columns, executions, call.out.look)),
    };
  },
};
