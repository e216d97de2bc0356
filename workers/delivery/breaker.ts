import type { DeliverySettings } from './contract.ts';
import type { Verdict } from './verdict.ts';

/** What is known of an endpoint: failures in a row, and how often in a row it was not called for a while. */
export interface EndpointHealth {
  readonly failures: number;
  readonly openings: number;
}

/** What an endpoint is like after its messages were sent. */
export type EndpointChange =
  | { readonly kind: 'well' }
  /** None of them came as far as the endpoint: nothing was learnt. */
  | { readonly kind: 'unchanged' }
  | (EndpointHealth & {
      readonly kind: 'troubled';
      /** It is not called for so long; null = it may be called. */
      readonly openMs: number | null;
      readonly error: string;
    });

/**
 * The circuit breaker of one endpoint. Closed, it counts failures in a row; after so many, or when the receiver asks
 * for time, it opens: nothing is sent for a while. Then it is half open: a single message tries the endpoint, and its
 * answer closes it, or its failure opens it for twice as long. A refusal is an answer: the endpoint works.
 * @param verdicts of the messages that were sent to it together · @param random in [0, 1).
 */
export function endpointAfter(
  before: EndpointHealth,
  verdicts: readonly Verdict[],
  settings: DeliverySettings,
  random: number,
): EndpointChange {
  const failed = verdicts.flatMap((verdict) => (verdict.kind === 'failed' ? [verdict] : []));
  const answered = verdicts.some(
    (verdict) =>
      verdict.kind === 'delivered' || verdict.kind === 'refused' || (verdict.kind === 'hopeless' && verdict.answered),
  );
  const asked = Math.max(0, ...failed.map(({ retryAfterMs }) => retryAfterMs ?? 0));
  const [first] = failed;
  if (first === undefined) return { kind: answered ? 'well' : 'unchanged' };
  if (answered && asked === 0) return { kind: 'well' };
  const failures = (answered ? 0 : before.failures) + failed.length;
  const isHalfOpen = before.openings > 0;
  const opens = asked > 0 || isHalfOpen || failures >= settings.breaker_failures;
  if (!opens) return { kind: 'troubled', failures, openings: 0, openMs: null, error: first.why };
  const openings = answered ? 1 : before.openings + 1;
  const ceiling = Math.min(settings.breaker_cap_ms, settings.breaker_base_ms * 2 ** Math.min(30, openings - 1));
  // At least half of it, so that an endpoint that is down is not asked again at once.
  const openMs = Math.max(asked, Math.round((ceiling * (1 + random)) / 2));
  return { kind: 'troubled', failures, openings, openMs, error: first.why };
}
