/** How steep the difference between large and small tenants is: the usual one of things people make. */
const ZIPF = 0.9;

/** From this many tenants on one of them, the tenant of this number, has stored nothing yet. */
const NEWCOMER = 100;

/** How many memories each of `tenants` has, so that they are exactly `memories` together: few large ones, many small. */
export function shares(tenants: number, memories: number): readonly number[] {
  const isNew = (index: number) => index === NEWCOMER;
  const served = tenants - (tenants > NEWCOMER ? 1 : 0);
  // Everybody has one before anybody has two.
  const least = memories >= served ? 1 : 0;
  const weights = Array.from({ length: tenants }, (_, index) => (isNew(index) ? 0 : (index + 1) ** -ZIPF));
  const rest = apportioned(weights, memories - least * served);
  return rest.map((share, index) => (isNew(index) ? 0 : share + least));
}

/**
 * What to add to each, so that they are `memories` together where that can be had by adding: what is there beyond its
 * share stays, and the others get less.
 * @param there how many each of the tenants has, in the same order · @param elsewhere how many there are besides.
 */
export function additions(there: readonly number[], elsewhere: number, memories: number): readonly number[] {
  const wanted = shares(there.length, memories);
  const missing = wanted.map((share, index) => Math.max(0, share - (there[index] ?? 0)));
  const total = there.reduce((sum, count) => sum + count, elsewhere);
  return apportioned(missing, Math.max(0, memories - total));
}

/** Splits `whole` by weight into whole numbers that sum up to it exactly; none gets more than its part rounded up. */
function apportioned(weights: readonly number[], whole: number): number[] {
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  const last = weights.findLastIndex((weight) => weight > 0);
  let weight = 0;
  let given = 0;
  return weights.map((own, index) => {
    weight += own;
    // The last takes what is left, since sums of fractions may fall short of the total by a hair.
    const upTo = index >= last ? whole : Math.floor((whole * weight) / total);
    const part = total === 0 ? 0 : upTo - given;
    given += part;
    return part;
  });
}
