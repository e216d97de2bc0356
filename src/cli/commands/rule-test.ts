import { isUuid } from '../../kernel/ids.ts';
import { ruleSettings } from '../../trial/rule-settings.ts';
import { type RuleTest, testOf } from '../../trial/rule-test.ts';
import { recordedEvent, type TriedEvent, writtenEvent } from '../../trial/tried-event.ts';
import type { Call } from '../call.ts';
import type { Command } from '../command.ts';
import { jsonIn } from '../json-file.ts';
import { argument, option, tenantId, text } from '../option.ts';
import { RemoteRules } from '../remote-rules.ts';
import { type RuleInHand, ruleBook, ruleInHand } from '../rule-source.ts';
import { explanationText } from '../rule-view.ts';

const TENANT = '3f2a8c54-1f7e-4c0b-9a53-0d7e2b1c9f10';

export const ruleTest: Command = {
  overApi: true,
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
    const hand = await ruleInHand(call, tenant, named, file);
    const tested = await testedBy(call, tenant, hand, source, file);
    return {
      json: { tenant_id: tenant, ...tested },
      text: () =>
        [
          explanationText(tested, call.out.look.style),
          ...tested.actions.map(
            ({ type, would }) =>
              `  ${type}: ${'why' in would ? `${would.kind}, ${would.why}` : `writes a ${would.kind}`}`,
          ),
        ].join('\n'),
    };
  },
};

async function testedBy(
  call: Call,
  tenant: string,
  { rule, stored }: RuleInHand,
  source: string,
  file: string | undefined,
): Promise<RuleTest> {
  const id = source.toLowerCase();
  if (call.remote !== undefined) {
    const which = stored === undefined ? { rule: jsonIn(file ?? '-') } : { trigger_id: stored.trigger_id };
    const event = isUuid(id) ? { event_id: id } : { event: jsonIn(source) };
    return new RemoteRules(call.remote).tested({ ...which, ...event });
  }
  const book = await ruleBook(call, tenant);
  const on: TriedEvent = isUuid(id)
    ? await recordedEvent(book, tenant, id)
    : writtenEvent(jsonIn(source), call.ports.clock.now());
  return testOf({ book, tenant, rule, stored, on }, ruleSettings(call.config.settings));
}
