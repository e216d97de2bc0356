import { RaeError } from '../kernel/errors.ts';
import type { CycleBook, CycleRecord } from '../schedule/cycle-book.ts';
import { queryOf, type Remote } from './remote.ts';

/** What became of cycles that were asked for. */
export interface MadeCycles {
  readonly slots: readonly string[];
  readonly total: number;
  readonly owed: number;
  readonly skipped: number;
  readonly covered: number;
}

/** Cycles, over the API. */
export class RemoteCycles implements Pick<CycleBook, 'list' | 'show'> {
  readonly #remote: Remote;

  constructor(remote: Remote) {
    this.#remote = remote;
  }

  async list(worker: string | undefined, limit: number): Promise<readonly CycleRecord[]> {
    return this.#remote.all<CycleRecord>(`/v1/cycles${queryOf({ worker })}`, 'cycles', limit);
  }

  async show(worker: string, slot: Date): Promise<CycleRecord> {
    const path = `/v1/cycles/${encodeURIComponent(worker)}${queryOf({ slot: slot.toISOString() })}`;
    return this.#remote.ask<CycleRecord>({ method: 'GET', path });
  }

  async run(worker: string, at: Date, tenantId: string | undefined): Promise<MadeCycles> {
    return this.#made('/v1/cycles', { worker, at: at.toISOString(), tenant_id: tenantId });
  }

  async backfill(worker: string, from: Date, to: Date, tenantId: string | undefined): Promise<MadeCycles> {
    const body = { worker, from: from.toISOString(), to: to.toISOString(), tenant_id: tenantId };
    return this.#made('/v1/cycles:backfill', body);
  }

  async #made(path: string, body: unknown): Promise<MadeCycles> {
    return this.#remote.ask<MadeCycles>({ method: 'POST', path, body });
  }
}

/** @throws RaeError `RAE_REFUSED`: an operator of the API sees the contents of no tenant. */
export function refusePreview(): never {
  throw new RaeError(
    'RAE_REFUSED',
    '--dry-run looks into the data of tenants, and operators of the API see none of it',
    {
      hint: 'set RAE_DATABASE_URL or give --data, and leave RAE_API_URL out',
    },
  );
}
