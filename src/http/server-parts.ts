import type { Caller, Principal } from '../access/principal.ts';
import type { Author } from '../audit/log.ts';
import type { Clock } from '../kernel/clock.ts';
import type { Events } from '../observe/events.ts';
import type { Check } from '../observe/health-server.ts';
import type { AnsweredOnce } from './answered-once.ts';
import type { Route } from './route.ts';

/** What the server is made of. */
export interface ServerParts {
  readonly routes: readonly Route[];
  readonly events: Events;
  readonly clock: Clock;
  /** Answers a request that names an idempotency key once, and the same from then on. */
  readonly once: AnsweredOnce;
  /** Whose credential this is. @throws RaeError `RAE_UNAUTHENTICATED`, `RAE_FORBIDDEN` */
  readonly callerOf: (credential: string) => Promise<Caller>;
  /** Enters what was refused in the audit log of the principal's tenant. */
  readonly refused: (who: Principal, author: Author, action: string, detail: Record<string, unknown>) => Promise<void>;
  /**
   * Asked about each request whose caller is known and may call its route, before its body is read: the place for limits.
   * Gives headers for the answer. @throws RaeError for a request that is not to be served now.
   */
  readonly admit?: (caller: Caller, route: Route) => Promise<Readonly<Record<string, string>>>;
  readonly ready: () => Promise<Check>;
}
