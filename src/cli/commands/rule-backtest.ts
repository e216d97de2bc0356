import { RaeError } from '../../kernel/errors.ts';
import { type ReplayedFiring, type RuleReplay, replayOf } from '../../trial/rule-replay.ts';
import { ruleSettings } from '../../trial/rule-settings.ts';
import type { Call } from '../call.ts';
import type { Command } from '../command.ts';
import { jsonIn } from '../json-file.ts';
import { argument, instant, option, tenantId, text, whole } from '../option.ts';
import { RemoteRules } from '../remote-rules.ts';
import { type RuleInHand, ruleBook, ruleInHand } from '../rule-source.ts';
import { type Column, table } from '../table.ts';

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
  overApi: true,
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
    const hand = await ruleInHand(call, tenant, named, file);
    const replay = await replayedBy(call, { tenant, file, from, to, limit }, hand);
    const { window, cooldown, rate } = replay.held;
    const said = `${replay.events} events; it would have fired ${replay.fired} times, and been held back by its window ${window}, its cooldown ${cooldown} and its limit ${rate} times`;
    return {
      json: {
        tenant_id: tenant,
        trigger_id: hand.stored?.trigger_id ?? null,
        rule_name: hand.rule.rule_name,
        from: from.toISOString(),
        to: to.toISOString(),
        ...replay,
      },
      text: () => [said, table(COLUMNS, replay.firings, call.out.look)].filter((part) => part !== '').join('\n'),
    };
  },
};

const COLUMNS: readonly Column<ReplayedFiring>[] = [
  { title: 'NUMBER', value: (one) => one.number, align: 'right' },
  { title: 'AT', value: (one) => one.at },
  { title: 'EVENT', value: (one) => one.event_type },
  { title: 'WOULD', value: (one) => one.actions.map(({ type }) => type).join(', '), shrinks: true },
  { title: 'WHY', value: (one) => one.detail ?? undefined, shrinks: true },
];

type Asked = Required<Pick<Options, 'tenant' | 'from' | 'to' | 'limit'>> & { readonly file: string | undefined };

async function replayedBy(call: Call, asked: Asked, { rule, stored }: RuleInHand): Promise<RuleReplay> {
  const { tenant, file, from, to, limit } = asked;
  if (call.remote !== undefined) {
    const which = stored === undefined ? { rule: jsonIn(file ?? '-') } : { trigger_id: stored.trigger_id };
    const span = { from: from.toISOString(), to: to.toISOString() };
    return new RemoteRules(call.remote).replayed({ ...which, ...span, limit: Math.min(limit, 1_000) });
  }
  const book = await ruleBook(call, tenant);
  return replayOf({ book, tenant, rule, from, to, limit }, ruleSettings(call.config.settings));
}
