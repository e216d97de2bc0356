import { EVERY, EVERY_TENANT, type Pause } from '../ledger/pause.ts';
import type { ControlHold } from './control-hold.ts';
import { OpenHours } from './open-hours.ts';

/** What operators control, as it was read last, to be asked at every pick: nothing is looked up where nothing is set. */
export class Controls {
  /** Of which edit; an admission under another is refused. */
  version = 0;
  readonly hours = new OpenHours();
  /** By worker, `*` = all there are. */
  readonly #workers = new Map<string, Pause>();
  readonly #queues = new Map<string, Pause>();
  /** By tenant and worker; worker `*` = all of the tenant. */
  readonly #tenants = new Map<string, Pause>();
  #skips = false;

  /** Something is paused. */
  get arePaused(): boolean {
    return this.#workers.size + this.#queues.size + this.#tenants.size > 0;
  }

  /** A pause skips what becomes owed meanwhile. */
  get skips(): boolean {
    return this.#skips;
  }

  /** Takes in what is paused now, all of it. */
  pause(pauses: readonly Pause[]): void {
    for (const map of [this.#workers, this.#queues, this.#tenants]) map.clear();
    for (const pause of pauses) {
      if (pause.tenant_id !== EVERY_TENANT) this.#tenants.set(`${pause.tenant_id} ${pause.worker}`, pause);
      else if (pause.queue !== EVERY) this.#queues.set(pause.queue, pause);
      else this.#workers.set(pause.worker, pause);
    }
    this.#skips = pauses.some(({ arrivals }) => arrivals === 'skip');
  }

  /** What holds all of a worker. */
  ofWorker(worker: string): ControlHold | undefined {
    if (this.#workers.size === 0) return undefined;
    return holdBy(this.#workers.get(worker) ?? this.#workers.get(EVERY));
  }

  /** What holds all of a queue. */
  ofQueue(queue: string): ControlHold | undefined {
    return this.#queues.size === 0 ? undefined : holdBy(this.#queues.get(queue));
  }

  /** What holds a tenant's runs of a worker, wherever they wait. */
  ofTenant(tenantId: string, worker: string): ControlHold | undefined {
    if (this.#tenants.size === 0) return this.hours.of(tenantId, worker);
    const pause = this.#tenants.get(`${tenantId} ${EVERY}`) ?? this.#tenants.get(`${tenantId} ${worker}`);
    return holdBy(pause) ?? this.hours.of(tenantId, worker);
  }

  /** Tenants of which operators hold something by name. */
  get heldTenants(): ReadonlySet<string> {
    const paused = [...this.#tenants.values()].map(({ tenant_id: tenantId }) => tenantId);
    return new Set([...paused, ...this.hours.shut]);
  }

  clear(): void {
    this.pause([]);
    this.hours.clear();
    this.version = 0;
  }
}

function holdBy(pause: Pause | undefined): ControlHold | undefined {
  return pause === undefined ? undefined : { reason: 'paused', owner: pause.owner, clearsAt: pause.expires_at };
}
