import type { TenantTransaction } from '../../src/fleet/worker.ts';
import { cut } from './cut.ts';
import { type ActiveRule, reachOf } from './evaluation.ts';
import { MOST_MATCHES, RuleHistory } from './history.ts';
import type { HistoryRow, RuleRow } from './rows.ts';
import type { Rule } from './rule.ts';
import { RuleCache } from './rule-cache.ts';
import { SECOND } from './rule-event.ts';
import { sql } from './sql.ts';

/** A rule that cannot be read, and so takes itself out of use. */
export interface BrokenRule {
  readonly trigger_id: string;
  readonly version: number;
  readonly why: string;
}

const cache = new RuleCache(20_000);

type Read = { readonly row: RuleRow; readonly rule: Rule };

/**
 * The rules of one tenant during one run, with what they remember. Kept from step to step as long as nobody else has
 * consumed an event between them; the rules themselves are read in every step, so that an edit counts from the next one on.
 */
export class ActiveRules {
  #rules: readonly ActiveRule[] = [];
  #broken: readonly BrokenRule[] = [];
  /** The number up to which the histories know everything. */
  #upTo = -1;
  /** The earliest event time that the histories were fetched for. */
  #from = Number.POSITIVE_INFINITY;

  get all(): readonly ActiveRule[] {
    return this.#rules;
  }

  get broken(): readonly BrokenRule[] {
    return this.#broken;
  }

  /** Reads the rules for a step that goes on after `last` with events from the time `from` on. */
  async load(tx: TenantTransaction, tenantId: string, last: number, from: number): Promise<void> {
    const rows = await tx.rows<RuleRow>(sql.statements.rules, [tenantId]);
    const read: Read[] = [];
    const broken: BrokenRule[] = [];
    for (const row of rows) {
      const reading = cache.read(row.definition);
      if ('rule' in reading) read.push({ row, rule: reading.rule });
      else
        broken.push({
          trigger_id: row.trigger_id,
          version: row.version,
          why: cut(reading.mistakes.join('; '), 2_000),
        });
    }
    // A step that fails leaves histories that know more than was committed.
    const upTo = this.#upTo;
    this.#upTo = -1;
    const stale = last !== upTo || from < this.#from;
    const known = new Map(stale ? [] : this.#rules.map((rule) => [rule.id, rule]));
    const unknown = read.filter(({ row }) => known.get(row.trigger_id)?.version !== row.version);
    const since = stale ? from : Math.min(from, this.#from);
    const histories = await fetched(tx, tenantId, unknown, since);
    this.#rules = read.map(({ row: { trigger_id: id, version }, rule }) => ({
      id,
      version,
      rule,
      history: histories.get(id) ?? known.get(id)?.history ?? new RuleHistory(),
    }));
    this.#broken = broken;
    this.#from = since;
  }

  /** The step is committed: the histories know what it consumed. Not called = they are fetched anew. */
  consumedTo(number: number): void {
    this.#upTo = number;
  }
}

async function fetched(
  tx: TenantTransaction,
  tenantId: string,
  wanted: readonly Read[],
  from: number,
): Promise<ReadonlyMap<string, RuleHistory>> {
  const histories = new Map(wanted.map(({ row }) => [row.trigger_id, new RuleHistory()]));
  const reaching = wanted.map(({ row, rule }) => ({ row, reach: reachOf(rule) }));
  const looking = reaching.filter(({ reach }) => reach.matches + reach.firings > 0);
  if (looking.length === 0) return histories;
  const after = (seconds: number) => (seconds === 0 ? null : from - seconds * SECOND);
  const rows = await tx.rows<HistoryRow>(sql.statements.histories, [
    tenantId,
    looking.map(({ row }) => row.trigger_id),
    looking.map(({ row }) => row.since_number),
    looking.map(({ reach }) => after(reach.matches)),
    looking.map(({ reach }) => after(reach.firings)),
    MOST_MATCHES,
  ]);
  for (const row of rows) {
    const history = histories.get(row.trigger_id);
    if (row.is_firing) history?.fired(Number(row.number), Number(row.at));
    else history?.matched({ number: Number(row.number), at: Number(row.at), value: row.value });
  }
  return histories;
}
