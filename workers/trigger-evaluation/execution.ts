import { type ActionSettings, type Effect, type Planned, planned } from './effect.ts';
import type { Decision } from './evaluation.ts';

/** What became of an action, as it is recorded. */
export type ActionResult = { readonly type: string; readonly state: string } & Readonly<Record<string, unknown>>;

/** An effect of the batch, as `act` takes it. */
export type BatchEffect = Effect & { readonly execution: number; readonly stops: boolean };

/** The decisions of a step, with all that they write. */
export class Executions {
  readonly #decisions: readonly Decision[];
  readonly #plans: readonly (readonly Planned[])[];
  readonly effects: readonly BatchEffect[];
  /** Whether the effects must be done one by one: what becomes of one decides about another, or two change one memory. */
  readonly careful: boolean;

  constructor(decisions: readonly Decision[], tenantId: string, settings: ActionSettings) {
    this.#decisions = decisions;
    this.#plans = decisions.map((decision) =>
      decision.held === undefined ? planned(decision, tenantId, settings) : [],
    );
    const effects: BatchEffect[] = [];
    for (const [execution, plan] of this.#plans.entries()) {
      const stops = decisions[execution]?.rule.rule.stop_on_failure === true;
      for (const { outcome } of plan) {
        if (isEffect(outcome)) effects.push({ ...outcome, execution, stops });
      }
    }
    this.effects = effects;
    this.careful =
      effects.some(({ stops }, at) => stops && effects[at + 1]?.execution === effects[at]?.execution) ||
      shared(effects);
  }

  get fired(): number {
    return this.#decisions.filter(({ held }) => held === undefined).length;
  }

  get held(): number {
    return this.#decisions.length - this.fired;
  }

  /** The rows of `trigger_executions`. @param results what `act` gave, in the order of `effects` */
  rows(results: readonly Readonly<Record<string, unknown>>[]): readonly object[] {
    let next = 0;
    return this.#decisions.map(({ rule, event, held, detail, value }, at) => ({
      number: event.number,
      trigger_id: rule.id,
      event_id: event.id,
      event_type: event.type,
      at: event.at,
      reason: held ?? null,
      detail: detail ?? null,
      value,
      rule_name: rule.rule.rule_name,
      rule_version: rule.version,
      actions: (this.#plans[at] ?? []).map(({ type, outcome }): ActionResult => {
        if (!isEffect(outcome)) return { type, state: outcome.kind, why: outcome.why };
        const result = results[next];
        next += 1;
        if (result === undefined) throw new Error('fewer results came back than there were effects');
        return { type, state: 'failed', ...result };
      }),
    }));
  }
}

function isEffect(outcome: Planned['outcome']): outcome is Effect {
  return outcome.kind !== 'skipped' && outcome.kind !== 'failed';
}

function shared(effects: readonly Effect[]): boolean {
  for (const kind of ['tags', 'importance'] as const) {
    const ids = effects.flatMap((effect) => (effect.kind === kind ? effect.ids : []));
    if (new Set(ids).size < ids.length) return true;
  }
  return false;
}
