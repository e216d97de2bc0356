import type { TicketProducer } from '../../queues/producer.ts';
import type { Clock } from '../kernel/clock.ts';
import type { CostBook } from './cost-book.ts';
import type { FlyingRun } from './flight.ts';
import { pack } from './packing.ts';
import type { Picture } from './picture.ts';
import type { TicketSealer } from './ticket-sealer.ts';
import type { DispatchedWorker, Windows } from './windows.ts';

/** What tickets are sent with. */
export interface TicketSenderOptions {
  readonly producer: Pick<TicketProducer, 'add'>;
  readonly sealer: TicketSealer;
  readonly clock: Clock;
  readonly windows: Windows;
  readonly workers: readonly DispatchedWorker[];
  readonly picture: Picture;
  readonly costs: CostBook;
}

/** Puts admitted runs into sealed tickets, and those into their queues. */
export class TicketSender {
  readonly #options: TicketSenderOptions;

  constructor(options: TicketSenderOptions) {
    this.#options = options;
  }

  /**
   * Sends the runs. Their order is kept from call to call, also when one does not wait for the one before. With Redis away
   * they stay queued in the ledger and without a ticket: `again` sends them.
   */
  async send(runs: readonly FlyingRun[]): Promise<void> {
    if (runs.length === 0) return;
    const { producer, sealer, clock, windows, workers, picture, costs } = this.#options;
    const byName = new Map(workers.map((worker) => [worker.name, worker]));
    const free = new Map<string, number>();
    for (const { worker: name, lane } of runs) {
      const worker = byName.get(name);
      if (worker !== undefined && !free.has(lane)) free.set(lane, windows.room(worker, picture.flight, lane).tickets);
    }
    const tickets = pack(runs, {
      shared: picture.serial,
      free: (lane) => free.get(lane) ?? 1,
      aloneMs: ({ worker, estimateMs }) => costs.aloneMs(worker, estimateMs),
    });
    const sealed = tickets.map((ticket) => sealer.seal(ticket));
    const sentAtMs = clock.monotonicMs();
    for (const [index, ticket] of tickets.entries()) {
      picture.flight.ticketed(sealed[index]?.mac ?? '', ticket, sentAtMs);
    }
    await producer.add(sealed).catch(() => {
      for (const { mac } of sealed) picture.flight.unticket(mac);
    });
  }

  /** Sends what is in the lost tickets, or in none as far as is known. A ticket too many does nothing. @returns how many runs. */
  async again(lost: readonly string[]): Promise<number> {
    const { flight } = this.#options.picture;
    const runs = [...lost.flatMap((ticket) => flight.runsIn(ticket)), ...flight.unticketed];
    await this.send(runs);
    return runs.length;
  }
}
