import type { Command } from '../command.ts';
import { budgetSet } from './budget-set.ts';
import { budgetShow } from './budget-show.ts';

export const budget: Command = {
  name: 'budget',
  does: 'What a tenant and its projects may spend on models.',
  commands: [budgetShow, budgetSet],
};
