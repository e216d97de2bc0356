import { replicasWanted } from '../../src/dispatch/scaling.ts';
import type { Demand } from '../../src/ledger/demand.ts';
import { Random } from './random.ts';

/** A tenant of a fleet that is scaled: how much it asks for, and what holds it. */
export interface ScaledTenant {
  /** Runs asked for per second, at a time in seconds. */
  readonly rate: (atSeconds: number) => number;
  readonly cap: number;
  readonly paused?: boolean;
}

/** What a scaler is asked with: what is owed of whom, and what is at work. */
export interface ScaledState {
  readonly owed: number;
  readonly demand: readonly Demand[];
  readonly busy: number;
  readonly serviceMs: number;
}

/** How a fleet is simulated. */
export interface ScaledFleetOptions {
  readonly seed: number;
  readonly tenants: readonly ScaledTenant[];
  /** Mean time of a run, in seconds, at a time in seconds. */
  readonly service: (atSeconds: number) => number;
  readonly seconds: number;
  readonly scaler: (state: ScaledState) => number;
}

/** What came of it. */
export interface ScaledOutcome {
  readonly replicaMinutes: number;
  /** How long runs waited that nothing but a place was missing for, in seconds, the shortest first. */
  readonly waits: readonly number[];
  /** How many replicas were asked for, each time. */
  readonly asked: readonly number[];
}

export const PLACES = 4;
const TICK = 0.25;
const ASKED_EVERY = 15;
const STARTS_AFTER = 20;
/** As the autoscaler of Kubernetes: what was asked for last is given up only after a while. */
const SETTLES_AFTER = 60;
const MOST = 60;

interface State {
  readonly tenant: ScaledTenant;
  readonly random: Random;
  readonly owed: { readonly at: number; readonly takes: number }[];
  nextAt: number;
  running: number;
}

/** The formula of rae_replicas_wanted. */
export function byWork(targetSeconds: number): (state: ScaledState) => number {
  return ({ demand, busy, serviceMs }) =>
    replicasWanted({ demand, busy, serviceMs, places: PLACES, targetMs: 1_000 * targetSeconds });
}

/** As many replicas as drain all that is owed within the target, at the time that runs took when the rule was written. */
export function byDepth(targetSeconds: number, serviceSeconds: number): (state: ScaledState) => number {
  return ({ owed }) => owed / ((PLACES * targetSeconds) / serviceSeconds);
}

/** A worker's replicas on a simulated clock: tenants in turn, replicas that start late, a scaler that is asked every 15 s. */
export function scaledFleet(options: ScaledFleetOptions): ScaledOutcome {
  const { seed, seconds, scaler, service } = options;
  const states = options.tenants.map((tenant, nth): State => {
    return { tenant, random: new Random(seed * 1_000 + nth), owed: [], nextAt: 0, running: 0 };
  });
  let replicas = 1;
  let starting: { readonly at: number; readonly count: number }[] = [];
  let recent: { readonly at: number; readonly count: number }[] = [];
  let ends: { readonly at: number; readonly state: State; readonly took: number }[] = [];
  let [learned, replicaSeconds, turn] = [service(0), 0, 0];
  const waits: number[] = [];
  const asked: number[] = [];
  for (let now = 0; now < seconds; now += TICK) {
    for (const state of states) arrive(state, now, service);
    for (const { state, took } of ends.filter(({ at }) => at <= now)) {
      state.running -= 1;
      learned = 0.98 * learned + 0.02 * took;
    }
    ends = ends.filter(({ at }) => at > now);
    for (const { count } of starting.filter(({ at }) => at <= now)) replicas = Math.max(replicas, count);
    starting = starting.filter(({ at }) => at > now);
    // One of each in turn, as long as there are places.
    for (let idle = 0; idle < states.length && ends.length < replicas * PLACES; turn += 1) {
      const state = states[turn % states.length];
      const run = state === undefined || isHeld(state) ? undefined : state.owed.shift();
      if (run === undefined || state === undefined) {
        idle += 1;
        continue;
      }
      idle = 0;
      state.running += 1;
      ends.push({ at: now + run.takes, state, took: run.takes });
      if (state.tenant.cap === Number.POSITIVE_INFINITY) waits.push(now - run.at);
    }
    if (now % ASKED_EVERY === 0) {
      const count = Math.min(MOST, Math.max(1, Math.ceil(scaler(stateOf(states, ends.length, learned)))));
      asked.push(count);
      recent = [...recent.filter(({ at }) => at > now - SETTLES_AFTER), { at: now, count }];
      if (count > replicas) starting.push({ at: now + STARTS_AFTER, count });
      else replicas = Math.min(replicas, Math.max(...recent.map((one) => one.count)));
    }
    replicaSeconds += replicas * TICK;
  }
  return { replicaMinutes: replicaSeconds / 60, waits: waits.sort((a, b) => a - b), asked };
}

function isHeld({ tenant, running }: State): boolean {
  return tenant.paused === true || running >= tenant.cap;
}

function arrive(state: State, now: number, service: (at: number) => number): void {
  const { random, tenant, owed } = state;
  while (state.nextAt <= now) {
    const rate = tenant.rate(state.nextAt);
    if (rate > 0) owed.push({ at: state.nextAt, takes: service(state.nextAt) * random.between(0.2, 1.8) });
    state.nextAt += rate > 0 ? -Math.log(1 - random.next()) / rate : 1;
  }
}

function stateOf(states: readonly State[], busy: number, learned: number): ScaledState {
  const waiting = states.filter((state) => !isHeld(state) && state.owed.length > 0);
  return {
    owed: states.reduce((sum, { owed }) => sum + owed.length, 0),
    demand: waiting.map(({ owed, tenant }) => {
      const of = { worker: 'w', dedicated: false, tenants: 1, runs: owed.length };
      return { ...of, lanes: tenant.cap, rate: null, burst: null };
    }),
    busy,
    serviceMs: 1_000 * learned,
  };
}
