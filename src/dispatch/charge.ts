import { RaeError } from '../kernel/errors.ts';

/** What a run costs at least, in ms: it occupies the fleet even when its own work takes no time. */
export const LEAST_COST_MS = 0.05;

/** What one charge may be at most, in ms (34 years), and how far virtual time goes before it is counted from 0 again. */
export const MOST_MS = 2 ** 40;

const WEIGHTS = Object.freeze({ least: 0.001, most: 1_000_000 });

/** What is charged for a run that costs so many ms. @throws RaeError `RAE_INTERNAL` for what is no number from 0 to 2^40. */
export function chargeOf(cost: number): number {
  if (!(cost >= 0 && cost <= MOST_MS))
    throw new RaeError('RAE_INTERNAL', `${cost} is no cost in ms; expected 0 to 2^40`);
  return Math.max(cost, LEAST_COST_MS);
}

/** The weight, checked. @throws RaeError `RAE_INTERNAL` for what is no number from 0.001 to 1,000,000. */
export function weightOf(weight: number): number {
  if (weight >= WEIGHTS.least && weight <= WEIGHTS.most) return weight;
  throw new RaeError('RAE_INTERNAL', `${weight} is no weight; expected ${WEIGHTS.least} to ${WEIGHTS.most}`);
}
