import { createInterface } from 'node:readline/promises';
import { RaeError } from '../kernel/errors.ts';
import type { Output } from './output.ts';

/**
 * Asks the person at the terminal before something is destroyed. Nobody is asked where there is no terminal, as in a script.
 * @param loss what will be gone, as a sentence.
 * @throws RaeError `RAE_REFUSED` unless the answer is yes: then nothing was done.
 */
export async function confirm(loss: string, input: NodeJS.ReadStream, out: Output): Promise<void> {
  if (input.isTTY !== true || out.isQuiet) return;
  out.say(loss);
  const asking = createInterface({ input });
  // The end of the input, as by Ctrl-D, is no.
  const ended = new Promise<string>((resolve) => asking.once('close', () => resolve('')));
  out.say('Go on? [y/N]');
  const answer = await Promise.race([asking.question(''), ended]);
  asking.close();
  if (/^y(es)?$/i.test(answer.trim())) return;
  throw new RaeError('RAE_REFUSED', 'nothing was done, as the answer was not yes', {
    hint: 'give --yes not to be asked',
  });
}
