import { type ExecutionRecord, type RuleBook, ruleNamed, type StoredRule } from '../tenant/rule-book.ts';
import type { RuleReplay } from '../trial/rule-replay.ts';
import type { RuleTest } from '../trial/rule-test.ts';
import type { Remote } from './remote.ts';

/** What commands do with the rules of a tenant, wherever those are. */
export type Rules = Pick<RuleBook, 'list' | 'find' | 'store' | 'remove' | 'executions'>;

/** The trigger rules of a tenant, over the API. */
export class RemoteRules implements Rules {
  readonly #remote: Remote;

  constructor(remote: Remote) {
    this.#remote = remote;
  }

  async list(_tenantId: string): Promise<readonly StoredRule[]> {
    return this.#remote.all<StoredRule>('/v1/rules', 'rules');
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

  async executions(_tenantId: string, triggerId: string, limit: number): Promise<readonly ExecutionRecord[]> {
    return this.#remote.all<ExecutionRecord>(`/v1/rules/${triggerId}/executions`, 'executions', limit);
  }

  async tested(asked: object): Promise<RuleTest> {
    return this.#remote.ask<RuleTest>({ method: 'POST', path: '/v1/rules:test', body: asked });
  }

  async replayed(asked: object): Promise<RuleReplay> {
    type Told = RuleReplay & { readonly trigger_id: unknown; readonly rule_name: unknown };
    const request = { method: 'POST', path: '/v1/rules:backtest', body: asked } as const;
    const { events, fired, held, firings } = await this.#remote.ask<Told>(request);
    return { events, fired, held, firings };
  }
}
