import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { messageOf, RaeError } from '../kernel/errors.ts';

/** Where the value of a secret comes from. */
export interface SecretSource {
  readonly file?: string;
  readonly generate?: true;
}

/**
 * The value of a secret: from a file, standard input, or new and random in the form that signs webhooks. Never from an
 * argument, which every user of the machine could read in the list of processes.
 * @param isTerminal whether standard input is one, where nothing would come.
 */
export function secretValue({ file, generate }: SecretSource, isTerminal = process.stdin.isTTY): string {
  if (generate === true) {
    if (file !== undefined) throw new RaeError('RAE_USAGE', '--file and --generate exclude each other');
    return `whsec_${randomBytes(32).toString('base64')}`;
  }
  if (file === undefined && isTerminal === true) {
    throw new RaeError('RAE_USAGE', 'the value of the secret comes on standard input, and that is a terminal', {
      hint: 'rae secret set … < file, --file FILE, or --generate for a new one that signs webhooks',
    });
  }
  const name = file === undefined || file === '-' ? 'standard input' : file;
  try {
    // Editors and `echo` end a file with a line break that is no part of the secret.
    return readFileSync(file === undefined || file === '-' ? 0 : file, 'utf8').replace(/\r?\n$/, '');
  } catch (error) {
    throw new RaeError('RAE_USAGE', `${name} cannot be read: ${messageOf(error)}`, { cause: error });
  }
}
