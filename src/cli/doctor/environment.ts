import type { LoadedConfig } from '../../config/config.ts';
import type { Catalogue } from '../../fleet/catalogue.ts';
import { nearest } from '../../kernel/nearest.ts';
import { policyMistakes } from '../../tenant/policy-mistakes.ts';
import { type Finding, fail, ok, warn } from './finding.ts';

/** What the environment says, as far as it can be told without asking anybody. */
export function checkEnvironment({ config, warnings }: LoadedConfig, catalogue: Catalogue): readonly Finding[] {
  const told = warnings.map((warning) => warn('environment', warning, 'unset it, or correct its name'));
  const settings = Object.entries(config.settings).flatMap(([name, given]) => checkSettings(catalogue, name, given));
  const timeouts = `a statement ends after ${config.statementTimeoutMs} ms, a lease after ${config.leaseMs} ms`;
  return [
    ...(told.length > 0 ? told : [ok('environment', 'every setting is known and right')]),
    ...settings,
    ok('lease', timeouts),
    ok('workers', catalogue.names.join(', ')),
  ];
}

function checkSettings(catalogue: Catalogue, name: string, given: unknown): readonly Finding[] {
  const worker = catalogue.all.find((one) => one.name === name);
  if (worker === undefined) {
    const near = nearest(name, catalogue.names) ?? catalogue.names.join(' or ');
    return [fail('RAE_SETTINGS', `there is no worker ${JSON.stringify(name)}`, `is ${near} meant?`)];
  }
  return policyMistakes(worker.definition.contract.settings, given).map((mistake) =>
    fail('RAE_SETTINGS', `${name}: ${mistake}`, 'correct it in RAE_SETTINGS'),
  );
}
