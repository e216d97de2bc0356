/** The middle of some numbers; of an even count, the mean of the two in the middle. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const half = Math.floor(sorted.length / 2);
  const [low, high] = [sorted[sorted.length % 2 === 0 ? half - 1 : half], sorted[half]];
  return ((low ?? Number.NaN) + (high ?? Number.NaN)) / 2;
}

/** The value below which the share `p` of the values lies, by the nearest rank. */
export function quantile(values: readonly number[], p: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.max(0, Math.ceil(p * sorted.length) - 1))] ?? Number.NaN;
}

/** How sure an interval is at least: five values can say no more than 93.75 %. */
const SURE = 0.93;

/**
 * Between which two of the values the median of whatever they were drawn from lies, with 93 % certainty at least, by
 * their order alone: of five values the least and the greatest, of nine the second least and the second greatest.
 * Fewer than five give all there is, which is less certain.
 */
export function medianInterval(values: readonly number[]): readonly [low: number, high: number] {
  const sorted = [...values].sort((a, b) => a - b);
  const n = sorted.length;
  let cut = 0;
  // How probable it is that at most `cut` values lie on one side of the median.
  let beyond = 0.5 ** n;
  for (let next = 1, term = 0.5 ** n; next < n / 2; next += 1) {
    term *= (n - next + 1) / next;
    if (1 - 2 * (beyond + term) < SURE) break;
    beyond += term;
    cut = next;
  }
  return [sorted[cut] ?? Number.NaN, sorted[n - 1 - cut] ?? Number.NaN];
}
