import type { Command } from '../command.ts';
import { argument, option, tenantId, text } from '../option.ts';
import { rulesOf } from '../rule-source.ts';

export const ruleRemove: Command = {
  overApi: true,
  name: 'remove',
  does: 'Removes a rule; what it did stays recorded.',
  arguments: [argument('<rule>', 'its name or id', text)],
  needs: [option('--tenant <tenant>', 'its id', tenantId)],
  destroys: () => 'The rule is gone, with its conditions and actions; what it did stays recorded.',
  examples: ['rae rule remove "drift storm" --tenant 3f2a8c54-1f7e-4c0b-9a53-0d7e2b1c9f10'],
  run: async (call) => {
    const [named] = call.args<[string]>();
    const { tenant } = call.options<{ readonly tenant: string }>();
    const book = await rulesOf(call, tenant);
    const { trigger_id: id, rule_name: name } = await book.find(tenant, named);
    await book.remove(tenant, id);
    return {
      json: { tenant_id: tenant, trigger_id: id, rule_name: name, removed: true },
      text: () => `rule ${id} (${name}) is removed`,
    };
  },
};
