import { sharedQueue } from '../../queues/names.ts';
import { queueFor } from '../../queues/topology.ts';
import type { ShareBook } from './share.ts';

/** Where tenants' runs wait. */
export class Places {
  /** How many shared partitions there are. */
  partitions: number;
  readonly #shares: ShareBook;
  readonly #names = new Map<string, string[]>();

  constructor(shares: ShareBook, partitions: number) {
    this.#shares = shares;
    this.partitions = partitions;
  }

  /** The queue of the tenant's runs of the worker, and its placement epoch. */
  of(worker: string, tenantId: string): { readonly queue: string; readonly epoch: number } {
    const { dedicated = false, quarantined = false, epoch = 0 } = this.#shares.get(tenantId) ?? {};
    const queue =
      dedicated || quarantined
        ? queueFor(worker, tenantId, { dedicated, quarantined }, this.partitions)
        : this.#sharedQueue(worker, this.#shares.partition(tenantId, this.partitions));
    return { queue, epoch };
  }

  /** The name of a shared queue, made once. */
  #sharedQueue(worker: string, partition: number): string {
    let names = this.#names.get(worker);
    if (names === undefined) {
      names = [];
      this.#names.set(worker, names);
    }
    names[partition] ??= sharedQueue(worker, partition);
    return names[partition];
  }
}
