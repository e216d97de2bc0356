/** An event as rules see it. Instants are whole microseconds since 1970, so that no rounding decides at the edge of a window. */
export interface RuleEvent {
  readonly id: string;
  readonly type: string;
  readonly project: string;
  readonly source: string | null;
  readonly payload: unknown;
  readonly userId: string | null;
  readonly sessionId: string | null;
  readonly correlationId: string | null;
  readonly tags: readonly string[];
  readonly metadata: unknown;
  /** How many rules stand between this event and one that no rule emitted. */
  readonly depth: number;
  /** Its place in the tenant's order of consumption. */
  readonly number: number;
  /** Its time for windows and cooldowns. */
  readonly at: number;
}

/** One second in the unit of `RuleEvent.at`. */
export const SECOND = 1_000_000;

/** The instant in RFC 3339. */
export function instant(at: number): string {
  return new Date(at / 1_000).toISOString();
}
