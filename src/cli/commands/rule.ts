import type { Command } from '../command.ts';
import { ruleBacktest } from './rule-backtest.ts';
import { ruleList } from './rule-list.ts';
import { ruleRemove } from './rule-remove.ts';
import { ruleSet } from './rule-set.ts';
import { ruleTest } from './rule-test.ts';

export const rule: Command = {
  name: 'rule',
  does: "A tenant's trigger rules: what is done about which events.",
  commands: [ruleList, ruleSet, ruleTest, ruleBacktest, ruleRemove],
};
