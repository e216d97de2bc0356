import { DAY, SECOND } from '../../src/kernel/duration.ts';
import type { DeliverySettings } from './contract.ts';
import type { TakenMessage } from './message.ts';

/** Why a message can never be delivered as it is; stands in `messages.reason`. */
export type Hopeless =
  | 'bad_channel'
  | 'bad_secret'
  | 'gone'
  | 'no_mail_server'
  | 'no_secret'
  | 'not_allowed'
  | 'refused';

/**
 * What came of one attempt. `why` is a sentence without secrets.
 * - delivered: its receiver has it. `why` where there is something to be said all the same.
 * - failed: the endpoint did not work; it may later.
 * - refused: the endpoint works and does not want it; it may be set right.
 * - hopeless: trying again would change nothing.
 */
export type Verdict =
  | { readonly kind: 'delivered'; readonly why?: string }
  | { readonly kind: 'failed'; readonly why: string; readonly retryAfterMs?: number | undefined }
  | { readonly kind: 'refused'; readonly why: string }
  | {
      readonly kind: 'hopeless';
      readonly reason: Hopeless;
      readonly why: string;
      /** The endpoint was asked and has answered. */
      readonly answered: boolean;
    };

/** Where a message stands after an attempt. */
export interface Standing {
  readonly state: 'pending' | 'delivered' | 'dead';
  readonly refusals: number;
  /** Until it is sent again. */
  readonly waitMs: number;
  readonly error: string | null;
  readonly reason: string | null;
}

/** "Not now": the receiver says that it is no fault of the message. */
const NOT_NOW: readonly number[] = [408, 425, 429];

/** What an HTTP status means for a message. @param retryAfter the header, as it came. */
export function verdictOfStatus(status: number, retryAfter: string | undefined, now: Date): Verdict {
  const why = `the receiver answered ${status}`;
  if (status >= 200 && status < 300) return { kind: 'delivered' };
  if (status === 410) return { kind: 'hopeless', reason: 'gone', why, answered: true };
  if (status >= 500 || status < 200 || NOT_NOW.includes(status)) {
    return { kind: 'failed', why, retryAfterMs: retryAfterMs(retryAfter, now) };
  }
  if (status < 400) return { kind: 'refused', why: `${why}: redirects are not followed` };
  return { kind: 'refused', why };
}

/** Milliseconds that `Retry-After` asks for, seconds or a date, a day at most; undefined where it cannot be read. */
export function retryAfterMs(header: string | undefined, now: Date): number | undefined {
  const text = header?.trim() ?? '';
  if (/^\d{1,9}$/.test(text)) return Math.min(Number(text) * SECOND, DAY);
  // JavaScript makes a date of nearly anything: `-5` is one in 2001.
  const ms = /^[A-Z][a-z]{2}, .* GMT$/.test(text) ? new Date(text).getTime() - now.getTime() : Number.NaN;
  return Number.isNaN(ms) ? undefined : Math.min(Math.max(0, ms), DAY);
}

/** Where a message stands after `verdict`. @param random in [0, 1): spreads retries over all of their time. */
export function standingAfter(
  { attempts, refusals, age_ms: age }: TakenMessage,
  verdict: Verdict,
  settings: DeliverySettings,
  random: number,
): Standing {
  const { give_up_seconds: giveUp, refused_tries: tries } = settings;
  const dead = (reason: string, error: string): Standing => ({ state: 'dead', refusals, waitMs: 0, error, reason });
  switch (verdict.kind) {
    case 'delivered':
      return { state: 'delivered', refusals, waitMs: 0, error: verdict.why ?? null, reason: null };
    case 'hopeless':
      return dead(verdict.reason, verdict.why);
    case 'refused': {
      const now = refusals + 1;
      if (now >= tries) return { ...dead('refused', `${verdict.why}, ${now} times`), refusals: now };
      const waitMs = jittered(settings.refused_base_ms, settings.retry_cap_ms, now, random);
      return { state: 'pending', refusals: now, waitMs, error: verdict.why, reason: null };
    }
    case 'failed': {
      if (age >= giveUp * SECOND) return dead('gave_up', `not delivered in ${attempts} attempts; ${verdict.why}`);
      const own = jittered(settings.retry_base_ms, settings.retry_cap_ms, attempts - refusals, random);
      const waitMs = Math.max(own, verdict.retryAfterMs ?? 0);
      return { state: 'pending', refusals, waitMs, error: verdict.why, reason: null };
    }
  }
}

/** Full jitter: anywhere between nothing and a ceiling that doubles, so that those who failed together come back apart. */
export function jittered(baseMs: number, capMs: number, failures: number, random: number): number {
  return Math.round(random * Math.min(capMs, baseMs * 2 ** Math.min(30, Math.max(0, failures - 1))));
}
