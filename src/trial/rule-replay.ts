import { type ActionSettings, planned } from '../../workers/trigger-evaluation/effect.ts';
import { type Decision, decide } from '../../workers/trigger-evaluation/evaluation.ts';
import { RuleHistory } from '../../workers/trigger-evaluation/history.ts';
import type { Rule } from '../../workers/trigger-evaluation/rule.ts';
import { instant } from '../../workers/trigger-evaluation/rule-event.ts';
import { RaeError } from '../kernel/errors.ts';
import type { RuleBook } from '../tenant/rule-book.ts';
import { ruleEvent } from './tried-event.ts';

/** Which events a rule is run over. */
export interface Replay {
  readonly book: RuleBook;
  readonly tenant: string;
  readonly rule: Rule;
  readonly from: Date;
  readonly to: Date;
  /** How many firings are kept: the newest. */
  readonly limit: number;
  /** More events than so many are refused; undefined = any number. */
  readonly mostEvents?: number | undefined;
}

/** One firing that would have been. */
export interface ReplayedFiring {
  readonly number: number;
  readonly event_id: string;
  readonly event_type: string;
  readonly at: string;
  readonly detail: string | null;
  readonly actions: readonly { readonly type: string; readonly would: object }[];
}

/** What a rule would have done, as it is told. */
export interface RuleReplay {
  readonly events: number;
  readonly fired: number;
  readonly held: Replayed['held'];
  readonly firings: readonly ReplayedFiring[];
}

/** What the rule would have done. */
interface Replayed {
  readonly events: number;
  readonly fired: number;
  readonly held: Readonly<Record<'window' | 'cooldown' | 'rate', number>>;
  readonly firings: readonly Decision[];
}

/**
 * Runs the rule over the events that were consumed, in their order and with an empty memory. Writes nothing.
 * @throws RaeError `RAE_REFUSED` for more events than are wanted.
 */
async function replayed({ book, tenant, rule, from, to, limit, mostEvents }: Replay): Promise<Replayed> {
  const active = { id: 'replayed', version: 0, rule, history: new RuleHistory() };
  const held = { window: 0, cooldown: 0, rate: 0 };
  const firings: Decision[] = [];
  let [events, fired] = [0, 0];
  for await (const page of book.past(tenant, from, to)) {
    events += page.length;
    if (mostEvents !== undefined && events > mostEvents)
      throw new RaeError('RAE_REFUSED', `there are more than ${mostEvents} events in this time`, {
        hint: 'take a shorter time, or rae rule backtest on the database',
      });
    for (const decision of page.map((recorded) => decide(active, ruleEvent(recorded)))) {
      if (decision?.held !== undefined) held[decision.held] += 1;
      if (decision === undefined || decision.held !== undefined) continue;
      fired += 1;
      firings.push(decision);
      if (firings.length > limit) firings.shift();
    }
  }
  return { events, fired, held, firings };
}

/** As `replayed`, with what the actions of the firings would have been. */
export async function replayOf(replay: Replay, settings: ActionSettings): Promise<RuleReplay> {
  const { firings, ...sums } = await replayed(replay);
  const told = firings.map((decision) => ({
    number: decision.event.number,
    event_id: decision.event.id,
    event_type: decision.event.type,
    at: instant(decision.event.at),
    detail: decision.detail ?? null,
    actions: planned(decision, replay.tenant, settings).map(({ type, outcome }) => ({ type, would: outcome })),
  }));
  return { ...sums, firings: told };
}
