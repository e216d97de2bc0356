import type { FlyingRun } from '../../src/dispatch/flight.ts';

let made = 0;

/** An admitted run; what is not given is made up. Every call gives another run. */
export function flyingRun(given: Partial<FlyingRun> & Pick<FlyingRun, 'tenantId'>): FlyingRun {
  made += 1;
  const worker = given.worker ?? 'decay';
  return {
    runId: `r${made}`,
    worker,
    attempt: 0,
    queue: `rae.${worker}.p00`,
    lane: worker,
    epoch: 0,
    payload: null,
    flightId: '1',
    lent: false,
    estimateMs: 1,
    charged: true,
    admittedMs: 0,
    ...given,
  };
}
