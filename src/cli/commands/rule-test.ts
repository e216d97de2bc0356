import { planned } from '../../../workers/trigger-evaluation/effect.ts';
import { reachOf } from '../../../workers/trigger-evaluation/evaluation.ts';
import { explain } from '../../../workers/trigger-evaluation/explanation.ts';
import { RuleHistory } from '../../../workers/trigger-evaluation/history.ts';
import type { Command } from '../command.ts';
import { eventInHand } from '../event-source.ts';
import { argument, option, tenantId, text } from '../option.ts';
import { ruleSettings } from '../rule-settings.ts';
import { ruleInHand } from '../rule-source.ts';
import { explanationJson, explanationText } from '../rule-view.ts';

const TENANT = '3f2a8c54-1f7e-4c0b-9a53-0d7e2b1c9f10';

export const ruleTest: Command = {
  name: 'test',
  does: 'Explains node by node what a rule makes of one event, and what it would do; does nothing.',
  arguments: [argument('[rule]', 'its name or id', text)],
  needs: [
    option('--tenant <tenant>', 'its id', tenantId),
    option('--event <event>', 'the id of an event, or a JSON file with one; - is standard input', text),
  ],
  options: [option('--file <file>', 'try the rule in this JSON file, which need not be stored', text)],
  examples: [
    `rae rule test "drift storm" --tenant ${TENANT} --event a1b6c6de-95c2-4a36-8d3c-5f1f7d1b7c11`,
    `rae rule test --tenant ${TENANT} --file drift-storm.json --event event.json --json`,
  ],
  run: async (call) => {
    const [named] = call.args<[string | undefined]>();
    const { tenant, event: source, file } = call.options<{ tenant: string; event: string; file?: string }>();
    const { book, rule, stored } = await ruleInHand(call, tenant, named, file);
    const { event, number } = await eventInHand(book, tenant, source, call.ports.clock.now());
    const reach = reachOf(rule);
    const seconds = Math.max(reach.matches, reach.firings);
    const before =
      stored === undefined || seconds === 0
        ? []
        : await book.history(tenant, stored, number, new Date(Math.floor(event.at / 1_000) - seconds * 1_000 - 1));
    const past = before.map((one) => ({ ...one, number: Number(one.number), at: Number(one.at) }));
    const history = () =>
      RuleHistory.of(
        past.filter(({ counts }) => counts),
        past.filter(({ fired }) => fired),
      );
    const active = { id: stored?.trigger_id ?? 'not stored', version: stored?.version ?? 0, rule, history: history() };
    const explanation = explain(active, event, history);
    const settings = ruleSettings(call.config);
    const actions =
      explanation.decision?.held === undefined && explanation.decision !== undefined
        ? planned(explanation.decision, tenant, settings).map(({ type, outcome }) => ({ type, would: outcome }))
        : [];
    return {
      json: {
        tenant_id: tenant,
        trigger_id: stored?.trigger_id ?? null,
        rule_name: rule.rule_name,
        event_id: event.id,
        number: number === null ? null : Number(number),
        ...explanationJson(explanation),
        actions,
      },
      text: () =>
        [
          explanationText(explanation, call.out.look.style),
          ...actions.map(
            ({ type, would }) =>
              `  ${type}: ${'why' in would ? `${would.kind}, ${would.why}` : `writes a ${would.kind}`}`,
          ),
        ].join('\n'),
    };
  },
};
