import { isOpen, type OpeningHours, parseOpeningHours, turningPoints } from '../kernel/opening-hours.ts';
import { EVERY } from '../ledger/pause.ts';
import type { TimeWindow } from '../ledger/time-window.ts';
import type { ControlHold } from './control-hold.ts';

interface Window extends TimeWindow {
  readonly read: OpeningHours;
}

interface Entry {
  readonly tenantId: string;
  readonly worker: string;
  readonly windows: readonly Window[];
  /** Undefined = its runs may begin. */
  hold: ControlHold | undefined;
  /** It may be otherwise from then on, in ms since 1970. */
  turnsMs: number;
}

/** When single tenants' runs may begin, as it was read last and as the clock says: nothing is looked up where nothing is set. */
export class OpenHours {
  /** By tenant and worker; worker `*` = those that have no window of their own. */
  readonly #entries = new Map<string, Entry>();

  /** Some tenant has a window. */
  get areSet(): boolean {
    return this.#entries.size > 0;
  }

  /** Takes in all there are. */
  set(windows: readonly TimeWindow[], now: Date): void {
    const before = new Map(this.#entries);
    this.#entries.clear();
    const byTenant = new Map<string, Window[]>();
    for (const window of windows) {
      const read = parseOpeningHours(window.hours);
      // Written by another hand than the book's: a window that cannot be read must not hold a tenant for ever.
      if ('fault' in read) continue;
      const own = byTenant.get(window.tenant_id) ?? [];
      byTenant.set(window.tenant_id, [...own, { ...window, read }]);
    }
    for (const [tenantId, own] of byTenant) {
      for (const worker of new Set([EVERY, ...own.map((one) => one.worker)])) {
        const of = own.filter((one) => one.worker === EVERY || one.worker === worker);
        if (of.length === 0) continue;
        const key = `${tenantId} ${worker}`;
        const known = before.get(key);
        // Who is as before need not be worked out anew at each edit of something else.
        const same = known !== undefined && idsOf(known.windows) === idsOf(of);
        this.#entries.set(key, same ? known : { tenantId, worker, windows: of, hold: undefined, turnsMs: 0 });
      }
    }
    this.follow(now);
  }

  /** Looks at the clock. @returns whether anything is otherwise than before. */
  follow(now: Date): boolean {
    let changed = false;
    for (const entry of this.#entries.values()) {
      if (entry.turnsMs > now.getTime()) continue;
      const points = entry.windows
        .flatMap(({ read, time_zone: zone }) => turningPoints(read, zone, now))
        .sort((a, b) => a.getTime() - b.getTime());
      const by = heldBy(entry.windows, now);
      const clearsAt = points.find((point) => heldBy(entry.windows, point) === undefined) ?? null;
      const before = entry.hold?.reason;
      entry.hold = by && { ...by, clearsAt };
      entry.turnsMs = points[0]?.getTime() ?? Number.POSITIVE_INFINITY;
      changed ||= entry.hold?.reason !== before;
    }
    return changed;
  }

  /** What holds a tenant's runs of a worker. */
  of(tenantId: string, worker: string): ControlHold | undefined {
    if (this.#entries.size === 0) return undefined;
    return (this.#entries.get(`${tenantId} ${worker}`) ?? this.#entries.get(`${tenantId} ${EVERY}`))?.hold;
  }

  /** Tenants of which some work may not begin now. */
  get shut(): ReadonlySet<string> {
    const shut = [...this.#entries.values()].filter(({ hold }) => hold !== undefined);
    return new Set(shut.map(({ tenantId }) => tenantId));
  }

  clear(): void {
    this.#entries.clear();
  }
}

function idsOf(windows: readonly Window[]): string {
  return windows.map(({ window_id: id }) => id).join(' ');
}

/** What holds at that instant: a blackout, or that no maintenance window is open where there are any. */
function heldBy(windows: readonly Window[], at: Date): Omit<ControlHold, 'clearsAt'> | undefined {
  const open = (one: Window) => isOpen(one.read, one.time_zone, at);
  const blackout = windows.find((one) => one.kind === 'blackout' && open(one));
  if (blackout !== undefined) return { reason: 'blackout', owner: blackout.owner };
  const maintenance = windows.filter(({ kind }) => kind === 'maintenance');
  const [first] = maintenance;
  if (first === undefined || maintenance.some(open)) return undefined;
  return { reason: 'maintenance_window', owner: first.owner };
}
