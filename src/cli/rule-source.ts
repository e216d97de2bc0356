import { type Rule, type RuleReading, readRule } from '../../workers/trigger-evaluation/rule.ts';
import { RaeError } from '../kernel/errors.ts';
import { RuleBook, type StoredRule } from '../tenant/rule-book.ts';
import { documentOf } from '../trial/rule-document.ts';
import type { Call } from './call.ts';
import { clean } from './cell.ts';
import { jsonIn } from './json-file.ts';
import { knownTenant } from './known-tenant.ts';
import { RemoteRules, type Rules } from './remote-rules.ts';

/** A rule that a command is about: one that is stored, or one from a file that is only tried. */
export interface RuleInHand {
  readonly rule: Rule;
  readonly stored: StoredRule | undefined;
}

/** The rules of a tenant that is there. @throws RaeError `RAE_TENANT_UNKNOWN` */
export async function ruleBook(call: Call, tenant: string): Promise<RuleBook> {
  await knownTenant(call, tenant);
  return new RuleBook(call.connection.tenants);
}

/** The same where commands work over the API too. @throws RaeError `RAE_TENANT_UNKNOWN` */
export async function rulesOf(call: Call, tenant: string): Promise<Rules> {
  return call.remote === undefined ? ruleBook(call, tenant) : new RemoteRules(call.remote);
}

/** @throws RaeError `RAE_RULE_INVALID` with every mistake */
export function rightRule(given: unknown): Extract<RuleReading, { rule: Rule }> {
  const reading = readRule(given);
  if ('rule' in reading) return reading;
  const mistakes = reading.mistakes.map((mistake) => clean(mistake));
  throw new RaeError('RAE_RULE_INVALID', `the rule cannot be; nothing was changed\n  ${mistakes.join('\n  ')}`);
}

/** The rule of this name or id, or the one in `file`; one of them must be named. */
export async function ruleInHand(
  call: Call,
  tenant: string,
  named: string | undefined,
  file: string | undefined,
): Promise<RuleInHand> {
  if ((named === undefined) === (file === undefined))
    throw new RaeError('RAE_USAGE', 'name one rule: by its name or id, or by --file with one that is only tried');
  const book = await rulesOf(call, tenant);
  if (file !== undefined) return { rule: rightRule(jsonIn(file)).rule, stored: undefined };
  const stored = await book.find(tenant, named ?? '');
  return { rule: rightRule(documentOf(stored)).rule, stored };
}
