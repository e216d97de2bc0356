/** How many single-character edits (insert, delete, replace, swap of neighbours) turn `a` into `b`. */
export function editDistance(a: string, b: string): number {
  let older: number[] = [];
  let previous = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i += 1) {
    const row = [i];
    for (let j = 1; j <= b.length; j += 1) {
      const same = a[i - 1] === b[j - 1];
      let cost = Math.min((previous[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1, (previous[j - 1] ?? 0) + (same ? 0 : 1));
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1])
        cost = Math.min(cost, (older[j - 2] ?? 0) + 1);
      row.push(cost);
    }
    older = previous;
    previous = row;
  }
  return previous[b.length] ?? 0;
}

/**
 * The known name that `word` was most likely meant to be, or undefined when none is close.
 * @param most how many edits still count as close; by default a third of the word's length, at least 1 and at most 3.
 */
export function nearest(
  word: string,
  known: Iterable<string>,
  most = Math.min(3, Math.max(1, Math.floor(word.length / 3))),
): string | undefined {
  let best: string | undefined;
  let bestDistance = most + 1;
  for (const name of known) {
    // A word of a hundred thousand letters would keep the process busy for nothing.
    if (Math.abs(word.length - name.length) > most) continue;
    const distance = editDistance(word.toLowerCase(), name.toLowerCase());
    if (distance < bestDistance) [best, bestDistance] = [name, distance];
  }
  return best;
}
