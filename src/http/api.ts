import { KeyBook } from '../access/key-book.ts';
import { AuditLog } from '../audit/log.ts';
import type { Events } from '../observe/events.ts';
import type { Check } from '../observe/health-server.ts';
import { type RouteParts, routesOf } from './routes.ts';
import { ApiServer } from './server.ts';

/** What the API is made of. */
export interface ApiParts extends RouteParts {
  readonly events: Events;
  /** Can what it needs be reached? */
  readonly ready: () => Promise<Check>;
}

/** The API with everything it serves. */
export function makeApi(parts: ApiParts): ApiServer {
  const { tenants, events, ready } = parts;
  const [keys, log] = [new KeyBook(tenants), new AuditLog(tenants)];
  return new ApiServer({
    routes: routesOf(parts),
    events,
    ready,
    callerOf: (credential) => keys.principal(credential),
    refused: ({ tenantId }, author, action, detail) => log.note(tenantId, author, action, detail),
  });
}
