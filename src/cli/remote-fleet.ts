import type { QueueDepth, QueueRow } from '../fleet/queue-list.ts';
import { EVERY_TENANT, type LimitRow } from '../ledger/limit.ts';
import type { LimitBook, LimitChange } from '../ledger/limit-book.ts';
import type { PriceBook } from '../tenant/price-book.ts';
import type { ModelPrice } from '../tenant/price-file.ts';
import { queryOf, type Remote } from './remote.ts';

/** The queues, over the API. */
export class RemoteQueues {
  readonly #remote: Remote;

  constructor(remote: Remote) {
    this.#remote = remote;
  }

  async list(): Promise<readonly (QueueRow & QueueDepth)[]> {
    return this.#remote.all<QueueRow & QueueDepth>('/v1/queues', 'queues');
  }
}

/** What bounds single workers, over the API. */
export class RemoteLimits implements Pick<LimitBook, 'list' | 'set'> {
  readonly #remote: Remote;

  constructor(remote: Remote) {
    this.#remote = remote;
  }

  async list(): Promise<readonly LimitRow[]> {
    return (await this.#remote.all<LimitRow>('/v1/limits', 'limits')).map(rowOf);
  }

  async set(tenantId: string | undefined, worker: string, { runCap, rate }: LimitChange) {
    const body = { worker, tenant_id: tenantId, run_cap: runCap, rate };
    const limit = await this.#remote.ask<LimitRow>({ method: 'PUT', path: '/v1/limits', body });
    return limit.run_cap === null && limit.rate_runs === null ? undefined : rowOf(limit);
  }
}

/** What models cost, over the API. */
export class RemotePrices implements Pick<PriceBook, 'list' | 'put'> {
  readonly #remote: Remote;

  constructor(remote: Remote) {
    this.#remote = remote;
  }

  async list(model?: string): Promise<readonly ModelPrice[]> {
    return this.#remote.all<ModelPrice>(`/v1/prices${queryOf({ model })}`, 'prices');
  }

  async put(prices: readonly ModelPrice[], replace: boolean) {
    const request = { method: 'POST', path: '/v1/prices', body: { prices, replace } } as const;
    const { changed, removed } = await this.#remote.ask<{ changed: number; removed: number }>(request);
    return { changed, removed };
  }
}

/** The API says null for all together. */
function rowOf(limit: LimitRow): LimitRow {
  return { ...limit, tenant_id: limit.tenant_id ?? EVERY_TENANT };
}
