import type { Check } from '../observe/health-server.ts';

/** The inside of a service process: what begins, drains and ends, and whether it is well. */
export interface Service {
  /** Begins its work. */
  start(): Promise<void>;
  /** Takes nothing new; resolves when what it had begun has ended in order. Idempotent. */
  drain(): Promise<void>;
  /** Gives up on what is still in work; the ledger takes those runs back. */
  abort(): void;
  /** Closes its connections. Idempotent. */
  close(): Promise<void>;
  /** Runs in work now. */
  readonly inFlight: number;
  /** Does it make progress? */
  live(): Check;
  /** Where it serves others, once it does; undefined for a service that serves nobody. */
  readonly port?: number | undefined;
  /** The routes that it serves, as metrics name them. */
  readonly endpoints?: readonly string[];
  /** What it needs to do its work, by name. */
  readonly checks: Readonly<Record<string, () => Promise<Check>>>;
}
