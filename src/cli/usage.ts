import { CommanderError } from 'commander';
import { RaeError } from '../kernel/errors.ts';

/** How a call ended that ran no command. */
export type Ending = { readonly exit: number } | { readonly error: RaeError };

/**
 * What commander says about a call, as the rest of `rae` says it: help and version end well, a group without one of
 * its commands and everything misspelt is wrong usage. Undefined for an error that is not commander's.
 */
export function endingOf(error: unknown): Ending | undefined {
  if (!(error instanceof CommanderError)) return undefined;
  const { code } = error;
  if (code === 'commander.helpDisplayed' || code === 'commander.version') return { exit: 0 };
  // The help is already on standard error.
  if (code === 'commander.help') return { exit: error.exitCode === 0 ? 0 : 2 };
  const [first = '', ...further] = error.message.replace(/^error: /, '').split('\n');
  const suggestion = /^\(Did you mean (.*)\?\)$/.exec(further.join(' '))?.[1];
  const hint = suggestion === undefined ? 'see what there is with: --help' : `did you mean ${suggestion}?`;
  return { error: new RaeError('RAE_USAGE', first, { hint }) };
}
