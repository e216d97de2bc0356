import { sealTicket, type Ticket, ticketExpiry } from '../../queues/ticket.ts';
import type { Clock } from '../kernel/clock.ts';
import type { Keyring } from '../kernel/keyring.ts';
import type { FlyingRun } from './flight.ts';

/** What tickets are sealed with. */
export interface TicketSealerOptions {
  /** The keys known now; the newest signs. */
  readonly keys: { readonly ring: Keyring };
  readonly clock: Clock;
  /** How long a ticket is good for at least, in ms. */
  readonly lifeMs: number;
}

/** Makes signed tickets of admitted runs. */
export class TicketSealer {
  readonly #options: TicketSealerOptions;

  constructor(options: TicketSealerOptions) {
    this.#options = options;
  }

  /** The ticket of runs of one queue; within half its life the same runs give the same ticket. */
  seal(runs: readonly FlyingRun[]): Ticket {
    const { keys, clock, lifeMs } = this.#options;
    const draft = {
      queue: runs[0]?.queue ?? '',
      exp: ticketExpiry(clock.now().getTime(), lifeMs),
      runs: runs.map(({ tenantId: tenant, runId: run, attempt, worker, epoch, payload }) => ({
        tenant,
        run,
        attempt,
        worker,
        epoch,
        payload,
      })),
    };
    return sealTicket(draft, keys.ring);
  }
}
