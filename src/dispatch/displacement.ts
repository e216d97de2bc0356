import { dedicatedQueue } from '../../queues/names.ts';
import { queueFor } from '../../queues/topology.ts';
import { enter } from '../audit/log.ts';
import type { Database } from '../db/database.ts';
import { enteringTenant } from '../db/entering-tenant.ts';
import { loadStatements } from '../db/statement.ts';
import type { Clock } from '../kernel/clock.ts';
import type { Events } from '../observe/events.ts';
import { readPlacementRules } from '../tenant/placement-book.ts';
import type { DisplacementRow, PlacementRuleKind, PlacementRules, QuarantineRule } from '../tenant/placement-rule.ts';
import type { Heard, Noise } from './noise.ts';
import type { Picture } from './picture.ts';
import type { DispatchedWorker, Windows } from './windows.ts';

const sql = loadStatements(new URL('./displacement.sql', import.meta.url), ['displace', 'putBack', 'givenUp']);

/** What tenants are placed elsewhere with. */
export interface DisplacementOptions {
  readonly database: Database;
  readonly picture: Picture;
  /** What is heard of tenants' runs. */
  readonly noise: Noise;
  readonly windows: Windows;
  readonly workers: readonly DispatchedWorker[];
  readonly clock: Clock;
  readonly events: Events;
}

const ACTOR = Object.freeze({ actor: 'dispatch' });
/** Fewer runs than this say nothing about how many fail. */
const LEAST_RUNS = 10;
/** Who keeps less than a tenth of one place busy disturbs nobody, whatever share of the little work that is. */
const LEAST_PLACES = 0.1;
const NOTHING: Heard = Object.freeze({ ms: 0, left: 0, failed: 0 });

/**
 * Places tenants elsewhere by the rules of operators, and back: to the shared queues while no process takes their own, to quarantine while
 * they are too noisy. Each is a move like one by hand: with a new epoch, and entered in the tenant's audit log.
 */
export class Displacement {
  readonly #options: DisplacementOptions;
  /** Since when nobody takes a tenant's own queue in which it waits. */
  readonly #untaken = new Map<string, number>();

  constructor(options: DisplacementOptions) {
    this.#options = options;
  }

  /** Looks whom the rules concern now. */
  async look(): Promise<void> {
    const { rules, displaced } = await readPlacementRules(this.#options.database);
    if (rules.areNone && displaced.length === 0) {
      this.forget();
      return;
    }
    const by = (kind: PlacementRuleKind) => displaced.filter((one) => one.kind === kind);
    for (const one of by('fallback')) await this.#backFromShared(one, rules);
    await this.#fallBack(rules);
    await this.#quarantine(rules, by('quarantine'));
  }

  /** Knows nothing of what was: another dispatched meanwhile. */
  forget(): void {
    this.#untaken.clear();
    this.#options.noise.forget();
  }

  async #backFromShared({ tenant_id: tenantId }: DisplacementRow, rules: PlacementRules): Promise<void> {
    const { windows, workers } = this.#options;
    const isTaken = ({ name }: DispatchedWorker) =>
      !windows.isConsumed(name) || windows.isConsumed(name, windows.laneOf(name, dedicatedQueue(name, tenantId)));
    if (rules.fallback(tenantId) === undefined) await this.#putBack(tenantId, 'fallback', 'no rule allows it any more');
    else if (workers.some(({ name }) => windows.isConsumed(name)) && workers.every(isTaken))
      await this.#putBack(tenantId, 'fallback', 'its dedicated queues are taken again');
  }

  async #fallBack(rules: PlacementRules): Promise<void> {
    const { picture, windows, workers, clock } = this.#options;
    const nowMs = clock.monotonicMs();
    const waiting = new Map<string, string>();
    for (const { name } of workers) {
      if (!windows.isConsumed(name)) continue;
      for (const lane of picture.turns.lanesOf(name)) {
        if (windows.isConsumed(name, lane)) continue;
        for (const tenantId of picture.turns.waitingIn(lane))
          if (picture.shares.get(tenantId)?.dedicated === true) waiting.set(tenantId, name);
      }
    }
    for (const tenantId of this.#untaken.keys()) if (!waiting.has(tenantId)) this.#untaken.delete(tenantId);
    for (const [tenantId, worker] of waiting) {
      const since = this.#untaken.get(tenantId) ?? nowMs;
      this.#untaken.set(tenantId, since);
      const rule = rules.fallback(tenantId);
      const shared = queueFor(worker, tenantId, { dedicated: false }, picture.places.partitions);
      if (rule === undefined || nowMs - since < 1_000 * rule.after_seconds) continue;
      if (!windows.isConsumed(worker, windows.laneOf(worker, shared))) continue;
      const why = `no process takes ${dedicatedQueue(worker, tenantId)} since ${rule.after_seconds} s`;
      await this.#displace(tenantId, 'fallback', 'shared', why);
    }
  }

  async #quarantine(rules: PlacementRules, displaced: readonly DisplacementRow[]): Promise<void> {
    const { clock, picture } = this.#options;
    const nowMs = clock.monotonicMs();
    const known = new Set(displaced.map(({ tenant_id: tenantId }) => tenantId));
    for (const { tenant_id: tenantId } of displaced)
      if (rules.quarantine(tenantId) === undefined)
        await this.#putBack(tenantId, 'quarantine', 'no rule asks for it any more');
    const spans = rules.quarantines.flatMap((rule) => [rule.noisy_seconds, rule.calm_seconds]);
    if (spans.length === 0) {
      this.#options.noise.forget();
      return;
    }
    this.#options.noise.keep(1_000 * Math.min(...spans), 1_000 * Math.max(...spans), nowMs);
    const looks = new Map<number, Look>();
    for (const seconds of new Set(spans)) looks.set(seconds, await this.#heardIn(seconds, nowMs));
    for (const { tenant_id: tenantId, since } of displaced) {
      const rule = rules.quarantine(tenantId);
      const look = rule === undefined ? undefined : looks.get(rule.calm_seconds);
      if (rule === undefined || look === undefined || !look.isWhole) continue;
      const restedMs = clock.now().getTime() - since.getTime();
      if (restedMs >= 1_000 * rule.calm_seconds && noiseOf(tenantId, rule, look, rule.calm_seconds) === undefined)
        await this.#putBack(tenantId, 'quarantine', `calm for ${rule.calm_seconds} s`);
    }
    for (const tenantId of new Set([...looks.values()].flatMap(({ heard }) => [...heard.keys()]))) {
      const rule = rules.quarantine(tenantId);
      const look = rule === undefined ? undefined : looks.get(rule.noisy_seconds);
      if (rule === undefined || look === undefined || !look.isWhole || known.has(tenantId)) continue;
      if (picture.shares.get(tenantId)?.quarantined === true) continue;
      const noise = noiseOf(tenantId, rule, look, rule.noisy_seconds);
      if (noise !== undefined) await this.#displace(tenantId, 'quarantine', 'quarantine', noise);
    }
  }

  async #heardIn(seconds: number, nowMs: number): Promise<Look> {
    const heard = new Map<string, Heard>();
    for (const [tenantId, one] of this.#options.noise.within(1_000 * seconds, nowMs)) heard.set(tenantId, { ...one });
    type GivenUp = { tenant_id: string; runs: number };
    for (const { tenant_id: tenantId, runs } of await this.#options.database.rows<GivenUp>(sql.givenUp, [seconds])) {
      const one = heard.get(tenantId) ?? { ...NOTHING };
      one.failed += runs;
      heard.set(tenantId, one);
    }
    const totalMs = [...heard.values()].reduce((sum, { ms }) => sum + ms, 0);
    return { heard, totalMs, isWhole: nowMs - this.#options.noise.beganMs >= 1_000 * seconds };
  }

  async #displace(tenantId: string, kind: PlacementRuleKind, placement: string, why: string): Promise<void> {
    const moved = await this.#options.database.transaction(async (tx) => {
      const rows = await tx.rows(sql.displace, [tenantId, kind, placement, why]);
      if (rows.length > 0) await enter(tx, ACTOR, 'tenant.displaced', { kind, placed: placement, why });
      return rows.length > 0;
    }, enteringTenant(tenantId));
    if (moved) this.#options.events.emit('tenant.displaced', { tenantId, kind, why });
  }

  async #putBack(tenantId: string, kind: PlacementRuleKind, why: string): Promise<void> {
    const moved = await this.#options.database.transaction(async (tx) => {
      const rows = await tx.rows(sql.putBack, [tenantId, kind]);
      if (rows.length > 0) await enter(tx, ACTOR, 'tenant.put_back', { kind, why });
      return rows.length > 0;
    }, enteringTenant(tenantId));
    if (moved) this.#options.events.emit('tenant.put_back', { tenantId, kind, why });
  }
}

/** What was heard of all tenants in some time, and whether it was listened to for all of that. */
interface Look {
  readonly heard: ReadonlyMap<string, Readonly<Heard>>;
  readonly totalMs: number;
  readonly isWhole: boolean;
}

/** How a tenant breaks the rule; undefined = not. */
function noiseOf(
  tenantId: string,
  rule: QuarantineRule,
  { heard, totalMs }: Look,
  seconds: number,
): string | undefined {
  const { ms, left, failed } = heard.get(tenantId) ?? NOTHING;
  const share = totalMs === 0 ? 0 : (100 * ms) / totalMs;
  const isBusy = ms >= 1_000 * seconds * LEAST_PLACES;
  if (rule.share_percent !== null && isBusy && share > rule.share_percent)
    return `held ${share.toFixed(1)} % of the fleet's worker time in ${seconds} s; ${rule.share_percent} % are allowed`;
  const runs = Math.max(left, failed);
  const rate = runs < LEAST_RUNS ? 0 : (100 * failed) / runs;
  if (rule.failed_percent !== null && rate > rule.failed_percent)
    return `${rate.toFixed(1)} % of its runs failed in ${seconds} s; ${rule.failed_percent} % are allowed`;
  return undefined;
}
