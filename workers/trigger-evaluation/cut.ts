/** `text` of at most so many UTF-16 units. Half a character at the end would be no text to Postgres, and the step fail for ever. */
export function cut(text: string, most: number): string {
  return text.length <= most ? text : text.slice(0, most).replace(/[\ud800-\udbff]$/, '');
}
