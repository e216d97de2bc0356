import { FairOrder } from '../../src/dispatch/fair-order.ts';
import type { Order } from './simulation.ts';

/** Serves who came first until it has nothing left. */
export class FifoOrder implements Order {
  readonly #tenants = new Map<string, { parked: boolean }>();

  add(tenantId: string): void {
    if (!this.#tenants.has(tenantId)) this.#tenants.set(tenantId, { parked: false });
  }

  remove(tenantId: string): void {
    this.#tenants.delete(tenantId);
  }

  park(tenantId: string): void {
    if (this.#tenants.has(tenantId)) this.#tenants.set(tenantId, { parked: true });
  }

  unpark(tenantId: string): void {
    if (this.#tenants.has(tenantId)) this.#tenants.set(tenantId, { parked: false });
  }

  peek(): string | undefined {
    return [...this.#tenants].find(([, { parked }]) => !parked)?.[0];
  }

  smallestParked(): string | undefined {
    return [...this.#tenants].find(([, { parked }]) => parked)?.[0];
  }

  next(): string | undefined {
    return this.peek();
  }

  settle(): void {}

  refund(): void {}
}

/** Counts runs where the fair order weighs their time. */
export class CountingOrder extends FairOrder {
  override next(): string | undefined {
    return super.next(1);
  }

  override refund(tenantId: string): void {
    super.refund(tenantId, 1);
  }

  override settle(tenantId: string): void {
    super.settle(tenantId, 1, 1);
  }
}

interface Plain {
  readonly id: string;
  weight: number;
  tag: number;
  turn: number;
  unsettled: number;
  state: 'ready' | 'parked' | 'away';
}

/** The rules of the fair order, written down with nothing clever: looks at every tenant for every pick. */
export class PlainOrder implements Order {
  readonly #tenants = new Map<string, Plain>();
  readonly #forgetful: boolean;
  #virtual = 0;
  #turn = 0;

  /** @param forgetful forgets who leaves: a wrong order, in which leaving and coming back pays. */
  constructor(forgetful = false) {
    this.#forgetful = forgetful;
  }

  add(id: string, weight: number): void {
    const plain = this.#tenants.get(id) ?? { id, weight, tag: 0, turn: 0, unsettled: 0, state: 'away' };
    this.#tenants.set(id, plain);
    plain.weight = weight;
    if (plain.state !== 'away') return;
    plain.tag = this.#forgetful ? this.#virtual : Math.max(this.#virtual, plain.tag);
    plain.turn = ++this.#turn;
    plain.state = 'ready';
  }

  remove(id: string): void {
    const plain = this.#tenants.get(id);
    if (plain !== undefined) plain.state = 'away';
    this.#rest();
  }

  park(id: string): void {
    const plain = this.#tenants.get(id);
    if (plain?.state === 'ready') plain.state = 'parked';
  }

  unpark(id: string): void {
    const plain = this.#tenants.get(id);
    if (plain?.state !== 'parked') return;
    plain.tag = Math.max(this.#virtual, plain.tag);
    plain.state = 'ready';
  }

  peek(): string | undefined {
    return this.#least('ready')?.id;
  }

  smallestParked(): string | undefined {
    return this.#least('parked')?.id;
  }

  next(cost: number): string | undefined {
    const plain = this.#least('ready');
    if (plain === undefined) return undefined;
    this.#virtual = Math.max(this.#virtual, plain.tag);
    plain.tag += cost / plain.weight;
    plain.turn = ++this.#turn;
    plain.unsettled += 1;
    return plain.id;
  }

  refund(id: string, cost: number): void {
    this.settle(id, cost, 0);
  }

  settle(id: string, estimated: number, measured: number): void {
    const plain = this.#tenants.get(id);
    if (plain === undefined) return;
    plain.unsettled -= 1;
    const lowest = Math.min(plain.tag, this.#virtual - estimated / plain.weight);
    plain.tag = Math.max(lowest, plain.tag + (measured - estimated) / plain.weight);
    this.#rest();
  }

  #least(state: Plain['state']): Plain | undefined {
    return [...this.#tenants.values()]
      .filter((plain) => plain.state === state)
      .reduce<Plain | undefined>((least, plain) => {
        if (least === undefined) return plain;
        return plain.tag < least.tag || (plain.tag === least.tag && plain.turn < least.turn) ? plain : least;
      }, undefined);
  }

  #rest(): void {
    if ([...this.#tenants.values()].some((plain) => plain.state !== 'away' || plain.unsettled > 0)) return;
    this.#tenants.clear();
    this.#virtual = 0;
  }
}
