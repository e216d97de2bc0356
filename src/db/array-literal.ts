/** What an element may be without quotes: ids, hashes in hex and whole numbers. */
const PLAIN = /^[0-9a-f-]+$/;

/**
 * An array as Postgres reads it, to be bound as one value: cheaper than a list, which the driver quotes element by
 * element. null becomes NULL.
 * @throws TypeError for an element that would need quotes.
 */
export function arrayLiteral(elements: readonly (string | number | null)[]): string {
  const texts = elements.map((element) => {
    const text = element === null ? 'NULL' : String(element);
    if (element !== null && !PLAIN.test(text))
      throw new TypeError('only ids, hashes and whole numbers go without quotes');
    return text;
  });
  return `{${texts.join(',')}}`;
}
