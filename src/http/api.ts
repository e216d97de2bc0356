import { CallLimit } from '../access/call-limit.ts';
import { KeyBook } from '../access/key-book.ts';
import { OperatorKeyBook } from '../access/operator-key-book.ts';
import type { Caller } from '../access/principal.ts';
import { TokenBook, type TokenClaims } from '../access/token-book.ts';
import { type TokenRules, TokenVerifier } from '../access/token-verifier.ts';
import { AuditLog } from '../audit/log.ts';
import type { Clock } from '../kernel/clock.ts';
import type { Events } from '../observe/events.ts';
import type { Check } from '../observe/health-server.ts';
import type { Redis } from '../redis/connection.ts';
import { QuotaBook } from '../tenant/quota-book.ts';
import { AnsweredOnce } from './answered-once.ts';
import { callAdmission } from './call-admission.ts';
import { type RouteParts, routesOf } from './routes.ts';
import { ApiServer } from './server.ts';

/** What the API is made of. */
export interface ApiParts extends Omit<RouteParts, 'calls'> {
  readonly events: Events;
  readonly clock: Clock;
  /** Where calls are counted over all processes; undefined = each process counts for itself. */
  readonly redis?: Redis | undefined;
  /** Which tokens are believed; undefined = none. */
  readonly tokens?: (TokenRules & { readonly claims: TokenClaims }) | undefined;
  /** Can what it needs be reached? */
  readonly ready: () => Promise<Check>;
}

/** The API with everything it serves. */
export function makeApi(parts: ApiParts): ApiServer {
  const { tenants, events, ready, redis, clock, operator } = parts;
  const quotas = new QuotaBook(tenants);
  const calls = new CallLimit(redis, clock, (id) => quotas.limit(id, 'max_api_calls_per_minute'));
  const operators = operator === undefined ? undefined : new OperatorKeyBook(operator.database);
  const tokens = parts.tokens && new TokenBook(tenants, new TokenVerifier(parts.tokens), parts.tokens.claims);
  const [keys, log] = [new KeyBook(tenants), new AuditLog(tenants)];
  return new ApiServer({
    routes: routesOf({ ...parts, calls: (tenantId) => calls.used(tenantId) }),
    events,
    ready,
    admit: callAdmission(calls),
    clock,
    once: new AnsweredOnce(tenants),
    callerOf: (credential) => callerOf(credential, { keys, operators, tokens }),
    refused: ({ tenantId }, author, action, detail) => log.note(tenantId, author, action, detail),
  });
}

interface Books {
  readonly keys: KeyBook;
  readonly operators: OperatorKeyBook | undefined;
  readonly tokens: TokenBook | undefined;
}

/** Whose credential this is, by its form. @throws RaeError `RAE_UNAUTHENTICATED`, `RAE_FORBIDDEN` */
async function callerOf(text: string, { keys, operators, tokens }: Books): Promise<Caller> {
  if (operators !== undefined && text.startsWith('rae_operator_')) return operators.operator(text);
  return tokens === undefined || text.startsWith('rae_') ? keys.principal(text) : tokens.caller(text);
}
