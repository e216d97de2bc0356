import { CommanderError } from 'commander';
import { RaeError } from '../kernel/errors.ts';
import { nearest } from '../kernel/nearest.ts';
import { clean } from './cell.ts';
import type { Command } from './command.ts';

/**
 * What a call that ran no command ends with when commander has said all there is to say: the help or the version, or
 * the help because a group was named without one of its commands. Undefined for any other error.
 */
export function exitOf(error: unknown): number | undefined {
  if (!(error instanceof CommanderError)) return undefined;
  return error.exitCode === 0 ? 0 : 2;
}

/** Everything misspelt as wrong usage, with the nearest right spelling; the rest as it is. @param path such as `rae tenant list` */
export function misuseOf(error: CommanderError, path: string): Error {
  if (['commander.helpDisplayed', 'commander.version', 'commander.help'].includes(error.code)) return error;
  const [first = '', ...further] = error.message.replace(/^error: /, '').split('\n');
  const suggestion = /^\(Did you mean (.*)\?\)$/.exec(further.join(' '))?.[1];
  const hint = suggestion === undefined ? `see: ${path} --help` : `did you mean ${suggestion}?`;
  return new RaeError('RAE_USAGE', first, { hint, cause: error });
}

/**
 * `help tenant create` as `tenant create --help`; any other words as they are.
 * @throws RaeError `RAE_USAGE` for a command there is not, with the nearest there is.
 */
export function withoutHelp(args: readonly string[], commands: readonly Command[]): readonly string[] {
  const [first, ...path] = args;
  if (first !== 'help') return args;
  let level = commands;
  for (const word of path.filter((one) => !one.startsWith('-'))) {
    const names = level.map(({ name }) => name);
    const near = nearest(word, names);
    const found = level.find(({ name }) => name === word);
    if (found === undefined) {
      throw new RaeError('RAE_USAGE', `unknown command '${clean(word.slice(0, 60))}'`, {
        hint: near === undefined ? 'see: rae --help' : `did you mean ${near}?`,
      });
    }
    level = found.commands ?? [];
  }
  return [...path, '--help'];
}
