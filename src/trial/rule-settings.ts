import { triggerEvaluation } from '../../workers/trigger-evaluation/contract.ts';
import type { ActionSettings } from '../../workers/trigger-evaluation/effect.ts';
import type { Config } from '../config/config.ts';

/** What this environment sets for the actions of rules, as the worker would read it. */
export function ruleSettings(set: Config['settings']): ActionSettings {
  const given = set[triggerEvaluation.name] ?? {};
  const read = triggerEvaluation.settings.safeParse(given);
  return read.success ? read.data : triggerEvaluation.settings.parse({});
}
