import { readFileSync } from 'node:fs';
import { type Mistake, quote } from './mistake.ts';
import type { Setting } from './setting.ts';

/** The variables of a process, as Node gives them. */
export type Variables = Readonly<Record<string, string | undefined>>;

/** The text of one setting, and the variable or file variable it came from. */
export interface Given {
  readonly text: string;
  readonly from: string;
}

/** A variable that is set to nothing counts as not set: that is what `${X:-}` in a compose file leaves. */
function present(env: Variables, name: string): Given | undefined {
  const text = env[name];
  return text === undefined || text === '' ? undefined : { text, from: name };
}

function fromFile(name: string, path: string): Given | Mistake {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown error';
    return { name, what: `names ${quote(path)}, which cannot be read (${code}); expected a file that holds the value` };
  }
  // Editors and `echo` end a file with a line break that is no part of the secret.
  const value = text.replace(/\r?\n$/, '');
  return value === '' ? { name, what: `names ${quote(path)}, which is empty` } : { text: value, from: name };
}

/**
 * What the environment says about the setting `name`: its own variable, else its file, else its fallback.
 * Undefined when nothing is set; a mistake when the file is no use, or when there are two answers.
 */
export function lookUp(env: Variables, name: string, setting: Setting): Given | Mistake | undefined {
  const own = present(env, name);
  const file = setting.secret ? present(env, `${name}_FILE`) : undefined;
  if (own && file) return { name, what: `and ${file.from} are both set; set one of them` };
  if (file) return fromFile(file.from, file.text);
  return own ?? (setting.fallback === undefined ? undefined : present(env, setting.fallback));
}

/** What is wrong with the text given for a setting, without showing it where it is a secret. */
export function mistakeOf({ text, from }: Given, setting: Setting, issue: string): Mistake {
  const what = setting.secret ? `${issue} (value not shown)` : setting.explains ? issue : `is ${quote(text)}`;
  const example = from.endsWith('_FILE') ? setting.example : `${from}=${setting.example}`;
  return { name: from, what: `${what}; expected ${setting.expects}, for example ${example}` };
}
