import { RaeError } from '../kernel/errors.ts';
import type { Share } from './tenant.ts';

/** The least and most that a share may be; weights have at most three decimals. */
export const SHARE_BOUNDS = Object.freeze({ weight: [0.001, 999_999], runCap: [1, 1_000_000] } as const);

/** What is to be set of a tenant's share: null = what its plan says, undefined = as it is. */
export type ShareChange = { readonly [Part in keyof Share]?: Share[Part] | null | undefined };

/** @throws RaeError `RAE_USAGE` for a weight or a cap that cannot be. */
export function checkedShare({ weight, runCap }: ShareChange): ShareChange {
  const [lightest, heaviest] = SHARE_BOUNDS.weight;
  if (typeof weight === 'number' && !(weight >= lightest && weight <= heaviest && hasThreeDecimals(weight))) {
    throw new RaeError(
      'RAE_USAGE',
      `a weight is from ${lightest} to ${heaviest} with at most three decimals, not ${weight}`,
    );
  }
  const [least, most] = SHARE_BOUNDS.runCap;
  if (typeof runCap === 'number' && !(Number.isInteger(runCap) && runCap >= least && runCap <= most)) {
    throw new RaeError('RAE_USAGE', `a cap is a whole number from ${least} to ${most}, not ${runCap}`);
  }
  return { weight, runCap };
}

function hasThreeDecimals(value: number): boolean {
  return Number(value.toFixed(3)) === value;
}
