import { planned } from '../../../workers/trigger-evaluation/effect.ts';
import { instant as written } from '../../../workers/trigger-evaluation/rule-event.ts';
import { RaeError } from '../../kernel/errors.ts';
import type { Command } from '../command.ts';
import { argument, instant, option, tenantId, text, whole } from '../option.ts';
import { replayed } from '../rule-replay.ts';
import { ruleSettings } from '../rule-settings.ts';
import { ruleInHand } from '../rule-source.ts';
import { table } from '../table.ts';

interface Options {
  readonly tenant: string;
  readonly file?: string;
  readonly from?: Date;
  readonly to?: Date;
  readonly limit: number;
}

const TENANT = '3f2a8c54-1f7e-4c0b-9a53-0d7e2b1c9f10';
const DAY_MS = 86_400_000;

export const ruleBacktest: Command = {
  name: 'backtest',
  does: 'Runs a rule over events that were consumed, in their order and with an empty memory; does nothing.',
  arguments: [argument('[rule]', 'its name or id', text)],
  needs: [option('--tenant <tenant>', 'its id', tenantId)],
  options: [
    option('--file <file>', 'try the rule in this JSON file, which need not be stored', text),
    option('--from <instant>', 'events from then on; default: 7 days before --to', instant),
    option('--to <instant>', 'events before then; default: now', instant),
    option('--limit <n>', 'how many firings to list, the newest', whole(0, 10_000)).default(20),
  ],
  examples: [
    `rae rule backtest "drift storm" --tenant ${TENANT}`,
    `rae rule backtest --tenant ${TENANT} --file drift-storm.json --from 2026-11-01 --to 2026-11-08 --json`,
  ],
  run: async (call) => {
    const [named] = call.args<[string | undefined]>();
    const {
      tenant,
      file,
      limit,
      to = call.ports.clock.now(),
      from = new Date(to.getTime() - 7 * DAY_MS),
    } = call.options<Options>();
    if (from >= to) throw new RaeError('RAE_USAGE', '--from is not before --to');
    const { book, rule, stored } = await ruleInHand(call, tenant, named, file);
    const { firings, ...sums } = await replayed({ book, tenant, rule, from, to, limit });
    const settings = ruleSettings(call.config);
    const listed = firings.map((decision) => ({
      number: decision.event.number,
      event_id: decision.event.id,
      event_type: decision.event.type,
      at: written(decision.event.at),
      detail: decision.detail ?? null,
      actions: planned(decision, tenant, settings).map(({ type, outcome }) => ({ type, would: outcome })),
    }));
    const { window, cooldown, rate } = sums.held;
    return {
      json: {
        tenant_id: tenant,
        trigger_id: stored?.trigger_id ?? null,
        rule_name: rule.rule_name,
        from: from.toISOString(),
        to: to.toISOString(),
        ...sums,
        firings: listed,
      },
      text: () =>
        [
          `${sums.events} events; it would have fired ${sums.fired} times, and been held back by its window ${window}, its cooldown ${cooldown} and its limit ${rate} times`,
          table(
            [
              { title: 'NUMBER', value: (one) => one.number, align: 'right' },
              { title: 'AT', value: (one) => one.at },
              { title: 'EVENT', value: (one) => one.event_type },
              { title: 'WOULD', value: (one) => one.actions.map(({ type }) => type).join(', '), shrinks: true },
              { title: 'WHY', value: (one) => one.detail ?? undefined, shrinks: true },
            ],
            listed,
            call.out.look,
          ),
        ]
          .filter((part) => part !== '')
          .join('\n'),
    };
  },
};
