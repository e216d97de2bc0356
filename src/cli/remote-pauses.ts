import { EVERY, EVERY_TENANT, type Pause, type PauseScope, scopeOfPause } from '../ledger/pause.ts';
import type { Begun, PauseBook, PausePage, PauseRequest } from '../ledger/pause-book.ts';
import { queryOf, type Remote } from './remote.ts';

/** What commands do with pauses, wherever those are. */
export type Pauses = Pick<PauseBook, 'pause' | 'resume' | 'list' | 'abort'>;

/** A pause as the API tells it: null for what it is not of. */
type Told = { readonly [Name in keyof Pause]: Pause[Name] | null };

/** What is paused, over the API. */
export class RemotePauses implements Pauses {
  readonly #remote: Remote;
  #running = 0;

  constructor(remote: Remote) {
    this.#remote = remote;
  }

  async pause(asked: PauseRequest): Promise<Begun> {
    const { tenantId, worker, queue, arrivals, aborts: abort, reason, expiresAt } = asked;
    const of = queue === undefined ? { tenant_id: tenantId, worker } : { queue };
    const body = { ...of, arrivals, abort, reason, expires_at: expiresAt?.toISOString() };
    type Answer = Told & { readonly taken_back: number; readonly aborted: number; readonly still_running: number };
    const request = { method: 'POST', path: '/v1/pauses', body } as const;
    const {
      taken_back: queued,
      aborted: running,
      still_running: still,
      ...pause
    } = await this.#remote.ask<Answer>(request);
    this.#running = still;
    return { pause: pauseOf(pause), queued, running };
  }

  /** How many of the last pause run on, as the API said: each is taken back when its step has ended. */
  async abort(): Promise<number> {
    return this.#running;
  }

  async resume(scope: PauseScope): Promise<readonly Pause[]> {
    const isAll = Object.values(scope).every((one) => one === undefined);
    const lifted = (await this.list({})).filter((pause) => isAll || isOf(pause, scope));
    for (const { pause_id: id } of lifted) await this.#remote.ask({ method: 'DELETE', path: `/v1/pauses/${id}` });
    return lifted;
  }

  async list({ lifted = false }: PausePage = {}): Promise<readonly Pause[]> {
    return (await this.#remote.all<Told>(`/v1/pauses${queryOf({ all: String(lifted) })}`, 'pauses')).map(pauseOf);
  }
}

function isOf(pause: Pause, { tenantId, worker, queue }: PauseScope): boolean {
  const of = scopeOfPause(pause);
  return of.tenantId === tenantId && of.worker === worker && of.queue === queue;
}

function pauseOf({ tenant_id, worker, queue, ...rest }: Told): Pause {
  const of = { tenant_id: tenant_id ?? EVERY_TENANT, worker: worker ?? EVERY, queue: queue ?? EVERY };
  return { ...rest, ...of } as Pause;
}
