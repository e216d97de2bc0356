import type { TicketProducer } from '../../queues/producer.ts';
import type { Queryable } from '../db/database.ts';
import type { Clock } from '../kernel/clock.ts';
import type { Events } from '../observe/events.ts';
import type { DispatchLease } from './lease.ts';
import type { PictureOptions } from './picture.ts';
import type { TicketSealer } from './ticket-sealer.ts';

/** What a dispatcher is made of. */
export interface DispatcherOptions extends PictureOptions {
  readonly database: Queryable;
  readonly lease: DispatchLease;
  readonly producer: Pick<TicketProducer, 'add'>;
  readonly sealer: TicketSealer;
  readonly events: Events;
  readonly clock: Clock;
  /** A queued run that nobody claimed for so long is taken back. */
  readonly waitMs: number;
  /** Told of each run that has left its worker, and how long it took. */
  readonly onLeft?: (tenantId: string, ms: number) => void;
  /** Told of each admission. */
  readonly onAdmitted?: () => void;
}
