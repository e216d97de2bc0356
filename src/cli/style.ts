/** What a piece of text says by its look; always beside a word that says the same. */
export type Tone = 'good' | 'warn' | 'bad' | 'dim' | 'strong';

/** Puts `text` in a tone. */
export type Style = (text: string, tone: Tone | undefined) => string;

const SGR: Readonly<Record<Tone, readonly [on: number, off: number]>> = Object.freeze({
  good: [32, 39],
  warn: [33, 39],
  bad: [31, 39],
  dim: [2, 22],
  strong: [1, 22],
});

/** Text as it is. */
export const plain: Style = (text) => text;

/** Colours of the terminal's own sixteen, so that they suit its background. */
export const coloured: Style = (text, tone) =>
  tone === undefined || text === '' ? text : `\u001b[${SGR[tone][0]}m${text}\u001b[${SGR[tone][1]}m`;

/**
 * The style for a stream: colours only on a terminal that has them and whose user has not said NO_COLOR.
 * @param stream standard output or standard error.
 */
export function styleOf(stream: NodeJS.WriteStream): Style {
  return stream.isTTY === true && stream.hasColors() ? coloured : plain;
}
