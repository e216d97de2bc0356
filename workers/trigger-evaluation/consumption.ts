import { setImmediate as nextTurn } from 'node:timers/promises';
import type { TenantTransaction } from '../../src/fleet/worker.ts';
import type { ActiveRules } from './active-rules.ts';
import type { ActionSettings } from './effect.ts';
import { type ActiveRule, type Decision, decide } from './evaluation.ts';
import { ANY_CUSTOM } from './event-type.ts';
import { Executions } from './execution.ts';
import { eventOf, type PendingRow } from './rows.ts';
import type { RuleEvent } from './rule-event.ts';
import { sql } from './sql.ts';

/** How much one step may take. */
export interface StepSettings extends ActionSettings {
  readonly step_events: number;
  readonly step_ms: number;
}

/** What a step did. */
export interface Consumed {
  readonly events: number;
  readonly fired: number;
  readonly held: number;
  readonly broken: number;
  /** Whether there may be more to consume at once. */
  readonly more: boolean;
  /** The number of the event consumed last. */
  readonly last: number;
}

/** How many characters of effects are sent in one statement, about. */
const MOST_TEXT = 4_000_000;
/** A step that has made so many decisions takes no further event. */
const MOST_DECISIONS = 5_000;
/** How long evaluation may keep the process from everything else, in ms. */
const TURN_MS = 20;

/**
 * Consumes the next events of the tenant in `tx`: takes the tenant's place in the order, evaluates, and writes what follows
 * in a few statements. All of it commits with `tx`, or nothing.
 */
export async function consume(
  tx: TenantTransaction,
  tenantId: string,
  rules: ActiveRules,
  settings: StepSettings,
): Promise<Consumed> {
  const [begun] = await tx.rows<{ last_number: string }>(sql.statements.takeTurn, [tenantId]);
  const last = Number(begun?.last_number ?? 0);
  const pending = await tx.rows<PendingRow>(sql.statements.pending, [tenantId, settings.step_events]);
  if (pending.length === 0) return { events: 0, fired: 0, held: 0, broken: 0, more: false, last };
  const there = pending.filter(({ event_type: type }) => type !== null);
  await rules.load(tx, tenantId, last, Math.min(...there.map(({ at }) => Number(at))));
  const evaluated = await evaluate(rules.all, pending, last, settings.step_ms);
  const executions = new Executions(evaluated.decisions, tenantId, settings);
  const results = await acted(tx, tenantId, executions);
  await tx.rows(sql.statements.record, [
    tenantId,
    last,
    pending.slice(0, evaluated.taken).map(({ arrival }) => arrival),
    evaluated.events.map(({ id }) => id),
    evaluated.events.map(({ at }) => at),
    JSON.stringify(executions.rows(results)),
    JSON.stringify(rules.broken),
  ]);
  const emitted = executions.effects.some(({ kind }) => kind === 'event');
  return {
    events: evaluated.events.length,
    fired: executions.fired,
    held: executions.held,
    broken: rules.broken.length,
    more: emitted || evaluated.taken < pending.length || pending.length === settings.step_events,
    last: last + evaluated.events.length,
  };
}

type Results = readonly Readonly<Record<string, unknown>>[];

/** Does what the executions say, a bounded text of effects at a time; those of one execution stay together. */
async function acted(tx: TenantTransaction, tenantId: string, { effects, careful }: Executions): Promise<Results> {
  const results: Readonly<Record<string, unknown>>[] = [];
  let batch: string[] = [];
  let length = 0;
  for (const [at, effect] of effects.entries()) {
    const text = JSON.stringify(effect);
    batch.push(text);
    length += text.length;
    const next = effects[at + 1];
    if (next !== undefined && (length < MOST_TEXT || next.execution === effect.execution)) continue;
    const values = [tenantId, `[${batch.join()}]`, careful];
    const [row] = await tx.rows<{ results: Results | null }>(sql.statements.act, values);
    results.push(...(row?.results ?? []));
    [batch, length] = [[], 0];
  }
  return results;
}

interface Evaluated {
  /** How many of the pending rows were looked at. */
  readonly taken: number;
  readonly events: readonly RuleEvent[];
  readonly decisions: readonly Decision[];
}

/** Evaluates one event after the other, until all are or the time is over; at least one. */
async function evaluate(
  rules: readonly ActiveRule[],
  pending: readonly PendingRow[],
  last: number,
  stepMs: number,
): Promise<Evaluated> {
  const byType = rulesByType(rules);
  const events: RuleEvent[] = [];
  const decisions: Decision[] = [];
  const started = performance.now();
  let turn = started;
  let taken = 0;
  for (const row of pending) {
    taken += 1;
    if (row.event_type === null) continue;
    const event = eventOf(row, last + events.length + 1);
    events.push(event);
    for (const rule of byType(event.type)) {
      const decision = decide(rule, event);
      if (decision !== undefined) decisions.push(decision);
      if (performance.now() - turn < TURN_MS) continue;
      await nextTurn();
      turn = performance.now();
    }
    if (decisions.length > MOST_DECISIONS || performance.now() - started > stepMs) break;
  }
  return { taken, events, decisions };
}

/** The rules that listen to a type, in the order in which they are asked. */
function rulesByType(rules: readonly ActiveRule[]): (type: string) => readonly ActiveRule[] {
  const known = new Map<string, readonly ActiveRule[]>();
  return (type) => {
    const found = known.get(type);
    if (found !== undefined) return found;
    const listening = rules.filter(
      ({ rule }) =>
        rule.event_types.includes(type) || (type.startsWith('custom.') && rule.event_types.includes(ANY_CUSTOM)),
    );
    known.set(type, listening);
    return listening;
  };
}
