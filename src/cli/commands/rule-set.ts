import { fromTemplate, TEMPLATES } from '../../../workers/trigger-evaluation/template.ts';
import { RaeError } from '../../kernel/errors.ts';
import { documentOf } from '../../trial/rule-document.ts';
import { assignment } from '../assignment.ts';
import { clean } from '../cell.ts';
import type { Command } from '../command.ts';
import { jsonIn } from '../json-file.ts';
import { argument, option, repeated, tenantId, text } from '../option.ts';
import { rightRule, rulesOf } from '../rule-source.ts';
import { stateOf } from '../rule-view.ts';

interface Options {
  readonly tenant: string;
  readonly file?: string;
  readonly template?: string;
  readonly param?: readonly (readonly [name: string, value: unknown])[];
  readonly set?: readonly (readonly [field: string, value: unknown])[];
}

const TENANT = '3f2a8c54-1f7e-4c0b-9a53-0d7e2b1c9f10';

export const ruleSet: Command = {
  overApi: true,
  name: 'set',
  does: 'Makes a rule, or replaces or changes the one of this name; checked as a whole before it is stored.',
  arguments: [argument('[rule]', 'its name; may stand in the file instead', text)],
  needs: [option('--tenant <tenant>', 'its id', tenantId)],
  options: [
    option('--file <file>', 'the rule as JSON; - is standard input', text),
    option('--template <template>', `or a ready made one: ${Object.keys(TEMPLATES).join(', ')}`, text),
    repeated('--param <name=value>', 'a parameter of the template (repeatable)', assignment),
    repeated('--set <field=value>', 'a field of the rule; what is not JSON is text (repeatable)', assignment),
  ],
  examples: [
    `rae rule set --tenant ${TENANT} --file drift-storm.json`,
    `rae rule set "low quality" --tenant ${TENANT} --template quality_alert --param min_quality_score=0.6 --param 'to=["ops@acme.example"]'`,
    `rae rule set "drift storm" --tenant ${TENANT} --set is_enabled=false`,
  ],
  run: async (call) => {
    const [name] = call.args<[string | undefined]>();
    const { tenant, file, template, param = [], set = [] } = call.options<Options>();
    if (file !== undefined && template !== undefined)
      throw new RaeError('RAE_USAGE', '--file and --template exclude each other');
    if (param.length > 0 && template === undefined) throw new RaeError('RAE_USAGE', '--param is for --template');
    if (file === undefined && template === undefined && set.length === 0)
      throw new RaeError('RAE_USAGE', 'nothing to set: give --file, --template or --set');
    if (file === undefined && name === undefined) throw new RaeError('RAE_USAGE', 'expected the name of the rule');
    const book = await rulesOf(call, tenant);
    const { columns } = rightRule({ ...(await begun()), ...Object.fromEntries(set) });
    const before = (await book.list(tenant)).find(
      (one) => one.rule_name === columns.rule_name && one.project === columns.project,
    );
    const { triggerId, created } = await book.store(tenant, columns);
    const stored = await book.find(tenant, triggerId);
    const changed = before?.version !== stored.version;
    return {
      json: {
        tenant_id: tenant,
        trigger_id: triggerId,
        created,
        changed,
        version: stored.version,
        state: stateOf(stored),
        rule: documentOf(stored),
      },
      text: () =>
        `rule ${triggerId} (${clean(stored.rule_name)}) is ${created ? 'made' : changed ? 'changed' : 'as it was'}: version ${stored.version}, ${stateOf(stored)}`,
    };

    /** What is stored before `--set`: from the file, from the template, or the rule that is there. */
    async function begun(): Promise<object> {
      if (file !== undefined) {
        const given = jsonIn(file);
        if (typeof given !== 'object' || given === null || Array.isArray(given))
          throw new RaeError('RAE_RULE_INVALID', 'the rule is no JSON object; nothing was changed');
        return { ...given, ...(name === undefined ? {} : { rule_name: name }) };
      }
      if (template !== undefined) {
        const made = fromTemplate(template, name ?? '', Object.fromEntries(param));
        if ('document' in made) return made.document;
        throw new RaeError(
          'RAE_RULE_INVALID',
          `the template cannot be used so; nothing was changed\n  ${made.mistakes.join('\n  ')}`,
        );
      }
      return documentOf(await book.find(tenant, name ?? ''));
    }
  },
};
