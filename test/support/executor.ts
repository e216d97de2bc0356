import type { TenantContext } from '../../src/db/tenant-context.ts';
import { Executor, type ExecutorOptions } from '../../src/fleet/executor.ts';
import { systemClock } from '../../src/kernel/clock.ts';
import { RunLedger } from '../../src/ledger/run-ledger.ts';
import { Events } from '../../src/observe/events.ts';

/** What a worker process performs runs with: it never gives one up and hardly waits between tries. */
export function performerPorts(tenants: TenantContext, given: Partial<ExecutorOptions> = {}): ExecutorOptions {
  return {
    tenants,
    ledger: new RunLedger(tenants, 30_000),
    events: new Events(),
    clock: systemClock,
    leaseMs: 30_000,
    sliceMs: 600_000,
    maxFailures: 1_000,
    backoff: { baseMs: 1, capMs: 1 },
    random: () => 0.5,
    settings: new Map(),
    steps: (step) => step(),
    outside: { mailUrl: undefined, allow: undefined },
    secret: async () => [],
    draining: () => false,
    abort: new AbortController().signal,
    ...given,
  };
}

/** An executor as a worker process has it. */
export function executorOn(tenants: TenantContext, given: Partial<ExecutorOptions> = {}): Executor {
  return new Executor(performerPorts(tenants, given));
}
