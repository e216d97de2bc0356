import { RaeError } from '../kernel/errors.ts';
import type { RunFilter, RunHold, RunRecord } from '../ledger/run-book.ts';
import { queryOf, type Remote } from './remote.ts';

type Page = { readonly runs: readonly RunRecord[]; readonly next: string | null };

/** The runs of a tenant, over the API. */
export class RemoteRuns {
  readonly #remote: Remote;

  constructor(remote: Remote) {
    this.#remote = remote;
  }

  async list({ worker, state, slot, before, limit }: RunFilter): Promise<readonly RunRecord[]> {
    if (slot !== undefined || before !== undefined)
      throw new RaeError('RAE_USAGE', 'over the API runs are listed by --worker and --state alone');
    const runs: RunRecord[] = [];
    for (let cursor: string | undefined; runs.length < limit; ) {
      const path = `/v1/runs${queryOf({ worker, state, cursor, limit: Math.min(limit - runs.length, 500) })}`;
      const page: Page = await this.#remote.ask<Page>({ method: 'GET', path });
      runs.push(...page.runs.map((run) => this.#whose(run)));
      if (page.next === null) break;
      cursor = page.next;
    }
    return runs;
  }

  async show(runId: string): Promise<RunRecord> {
    const { payload: _payload, ...run } = await this.#remote.ask<RunRecord>({
      method: 'GET',
      path: `/v1/runs/${runId}`,
    });
    return this.#whose(run as RunRecord);
  }

  async why(runId: string): Promise<RunHold> {
    type Told = Partial<RunHold> & { readonly code: string; readonly limit?: number | null };
    const { worker, state, ...told } = await this.#remote.ask<Told>({ method: 'GET', path: `/v1/runs/${runId}/why` });
    const reason = state === 'owed' && told.code !== 'eligible' ? told.code : null;
    const { value = null, limit: bound = null, since = null, clears_at = null } = told;
    const rest = { value, bound, since, clears_at, owner: null, dedicated: null, waiting: null };
    return { tenant_id: this.#remote.tenantId ?? '', worker, state, reason, ...rest } as RunHold;
  }

  async retry(runId: string): Promise<void> {
    await this.#remote.ask({ method: 'POST', path: `/v1/runs/${runId}:retry` });
  }

  async cancel(runId: string): Promise<void> {
    await this.#remote.ask({ method: 'POST', path: `/v1/runs/${runId}:cancel` });
  }

  async retryDead(): Promise<number> {
    throw new RaeError('RAE_USAGE', 'over the API runs are retried one by one: give the id of one');
  }

  #whose(run: RunRecord): RunRecord {
    return {
      ...run,
      tenant_id: this.#remote.tenantId ?? '',
      lapses: run.lapses ?? 0,
      covered_by: run.covered_by ?? null,
    };
  }
}
