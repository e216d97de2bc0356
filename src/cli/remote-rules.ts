import { RaeError } from '../kernel/errors.ts';
import { type ExecutionRecord, type RuleBook, ruleNamed, type StoredRule } from '../tenant/rule-book.ts';
import { queryOf, type Remote } from './remote.ts';

type Page = { readonly rules: readonly StoredRule[]; readonly next: string | null };

/** What commands do with the rules of a tenant, wherever those are. */
export type Rules = Pick<RuleBook, 'list' | 'find' | 'store' | 'remove' | 'executions'>;

/** The trigger rules of a tenant, over the API. */
export class RemoteRules implements Rules {
  readonly #remote: Remote;

  constructor(remote: Remote) {
    this.#remote = remote;
  }

  async list(_tenantId: string): Promise<readonly StoredRule[]> {
    const rules: StoredRule[] = [];
    for (let cursor: string | undefined; ; ) {
      const path = `/v1/rules${queryOf({ limit: 500, cursor })}`;
      const page: Page = await this.#remote.ask<Page>({ method: 'GET', path });
      rules.push(...page.rules);
      if (page.next === null) return rules;
      cursor = page.next;
    }
  }

  async find(tenantId: string, named: string): Promise<StoredRule> {
    return ruleNamed(await this.list(tenantId), named, tenantId);
  }

  async store(_tenantId: string, columns: object) {
    type Told = { readonly trigger_id: string; readonly created: boolean };
    const told = await this.#remote.ask<Told>({ method: 'POST', path: '/v1/rules', body: columns });
    return { triggerId: told.trigger_id, created: told.created };
  }

  async remove(_tenantId: string, triggerId: string): Promise<void> {
    await this.#remote.ask({ method: 'DELETE', path: `/v1/rules/${triggerId}` });
  }

  async executions(): Promise<readonly ExecutionRecord[]> {
    throw new RaeError('RAE_USAGE', 'over the API rules are listed without what they did: name none');
  }
}
