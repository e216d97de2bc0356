/** One wrong setting, as the operator reads it. `what` follows the name in a sentence and never holds a secret. */
export interface Mistake {
  readonly name: string;
  readonly what: string;
}

/** `text` in quotes, shortened, with nothing in it that could steer a terminal. */
export function quote(text: string): string {
  const shown = text.length > 60 ? `${text.slice(0, 60)}…` : text;
  return JSON.stringify(shown).replace(
    /[\u007f-\u009f\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

/** All mistakes in one message, a line each, so that nobody has to start the process once per mistake. */
export function describeMistakes(mistakes: readonly Mistake[]): string {
  const head = mistakes.length === 1 ? '1 setting is wrong' : `${mistakes.length} settings are wrong`;
  return [`${head}:`, ...mistakes.map(({ name, what }) => `  ${name} ${what}`)].join('\n');
}
