import type { Command } from '../command.ts';
import { policyGet } from './policy-get.ts';
import { policySet } from './policy-set.ts';

export const policy: Command = {
  name: 'policy',
  does: 'Shows and changes what a tenant tunes about a worker.',
  commands: [policyGet, policySet],
};
