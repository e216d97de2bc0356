import { RateLimiterMemory, RateLimiterRedis, type RateLimiterRes } from 'rate-limiter-flexible';
import type { Clock } from '../kernel/clock.ts';
import { SECOND } from '../kernel/duration.ts';
import type { Redis } from '../redis/connection.ts';

/** What a call of the API has left. */
export interface CallAllowance {
  readonly allowed: boolean;
  /** How many calls a minute the tenant may make; undefined = as many as it likes. */
  readonly limit: number | undefined;
  readonly remaining: number;
  /** Until the minute that counts is over. */
  readonly resetSeconds: number;
}

/** How long a limit that was looked up is taken for the present one. */
const LIMIT_AGE_MS = SECOND;
const MOST_TENANTS = 10_000;
/** The library counts; what is too much is decided here, where a limit can change between two calls. */
const ANY = Number.MAX_SAFE_INTEGER;

/**
 * How many calls of the API a tenant may make within a minute, over all processes: counted in Redis under the tenant's
 * own name (`rae:tenant:<id>:calls`). While Redis is away each process counts by itself, within the same limit.
 */
export class CallLimit {
  readonly #limiter: RateLimiterRedis | RateLimiterMemory;
  readonly #clock: Clock;
  readonly #lookUp: (tenantId: string) => Promise<number | null>;
  readonly #known = new Map<string, { readonly limit: Promise<number | null>; readonly at: number }>();

  /** @param lookUp the limit of a tenant; null = none. */
  constructor(redis: Redis | undefined, clock: Clock, lookUp: (tenantId: string) => Promise<number | null>) {
    this.#clock = clock;
    this.#lookUp = lookUp;
    const counting = { points: ANY, duration: 60, keyPrefix: 'rae:tenant' };
    const own = new RateLimiterMemory(counting);
    if (redis === undefined) this.#limiter = own;
    // Not ready: else every call would wait for a server that is away.
    else {
      const whileAway = { rejectIfRedisNotReady: true, insuranceLimiter: own };
      this.#limiter = new RateLimiterRedis({ ...counting, ...whileAway, storeClient: redis });
    }
  }

  /** Counts one call of the tenant. */
  async take(tenantId: string): Promise<CallAllowance> {
    const limit = await this.#limitOf(tenantId);
    if (limit === null) return { allowed: true, limit: undefined, remaining: ANY, resetSeconds: 0 };
    const { consumedPoints, msBeforeNext } = await this.#limiter.consume(`${tenantId}:calls`).catch(overrun);
    const resetSeconds = Math.max(1, Math.ceil(msBeforeNext / SECOND));
    return { allowed: consumedPoints <= limit, limit, remaining: Math.max(0, limit - consumedPoints), resetSeconds };
  }

  /** How many calls of the tenant count within the present minute. */
  async used(tenantId: string): Promise<number> {
    return (await this.#limiter.get(`${tenantId}:calls`))?.consumedPoints ?? 0;
  }

  async #limitOf(tenantId: string): Promise<number | null> {
    const now = this.#clock.monotonicMs();
    const known = this.#known.get(tenantId);
    if (known !== undefined && now - known.at < LIMIT_AGE_MS) return known.limit;
    const limit = this.#lookUp(tenantId);
    // Bounded: a process that serves many tenants must not grow with them.
    if (this.#known.size >= MOST_TENANTS) this.#known.clear();
    this.#known.set(tenantId, { limit, at: now });
    // A look-up that failed is not kept.
    limit.catch(() => this.#known.delete(tenantId));
    return limit;
  }
}

/** What says no is the same as what says yes; anything else is an error. */
function overrun(reason: unknown): RateLimiterRes {
  if (reason instanceof Error) throw reason;
  return reason as RateLimiterRes;
}
