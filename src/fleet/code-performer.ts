import { z } from 'zod';
import { isOutcome, type Outcome, yielded } from '../kernel/outcome.ts';
import type { Claim, RunRef, Settlement } from '../ledger/run-ledger.ts';
import type { CataloguedWorker } from './catalogue.ts';
import type { Performer, PerformerPorts } from './performer.ts';
import { readPolicy } from './policy-reading.ts';
import type { RunEnd } from './run-end.ts';
import { RunScope } from './run-scope.ts';

type Claimed = Extract<Claim, { readonly status: 'claimed' }>;

/** Performs runs of workers whose effect is code: claim, then steps of their own, then the record with the last one. */
export function codePerformer(ports: PerformerPorts): Performer {
  return async (worker, settings, ref) => {
    const { servesSuspended } = worker.definition.when;
    const claim = await ports.steps(() => ports.ledger.claim(ref, servesSuspended));
    if (claim.status === 'lost') return { kind: 'lost' };
    if (claim.status === 'skipped') {
      return { kind: 'skipped', attempt: ref.attempt, plan: claim.plan, waitMs: 0, reason: claim.reason };
    }
    if (claim.status === 'handed_back') {
      return { kind: 'yielded', attempt: ref.attempt, plan: claim.plan, waitMs: 0, reason: claim.reason, begun: false };
    }
    const held = { ...ref, attempt: claim.attempt };
    const stop = refusalOf(worker, claim);
    if (stop !== undefined) return end(ports, held, claim, stop);
    return performed(ports, worker, settings, held, claim);
  };
}

async function performed(
  ports: PerformerPorts,
  worker: CataloguedWorker,
  settings: unknown,
  held: RunRef,
  claim: Claimed,
): Promise<RunEnd> {
  const { how, contract } = worker.definition;
  if (how.kind !== 'perform') throw new TypeError(`${worker.name} has no code to perform`);
  const reading = readPolicy(worker, claim.document);
  const policy = 'effective' in reading ? reading.effective : worker.defaultPolicy;
  const scope = new RunScope(ports, held, claim.progress, (outcome) => settlementOf(outcome, claim));
  const stopRenewing = scope.keepLease();
  try {
    const performing = how.perform({
      tenantId: held.tenantId,
      runId: held.runId,
      slot: claim.slot === null ? undefined : new Date(claim.slot),
      covered: (claim.covered ?? []).map((slot) => new Date(slot)),
      policy,
      payload: contract.payload.parse(claim.payload ?? {}),
      settings,
      progress: claim.progress ?? undefined,
      signal: scope.signal,
      clock: ports.clock,
      outside: ports.outside,
      secret: (name) => ports.steps(() => ports.secret(held.tenantId, name)),
      step: (work, options) => scope.step(work, options),
    });
    const outcome = await performing.then(
      (given) => (scope.yields ? yielded() : given),
      (error: unknown) => {
        if (scope.yields) return yielded();
        throw error;
      },
    );
    if (!isOutcome(outcome))
      throw new TypeError(`${worker.name} returned no outcome: return done(…), yielded(), deferred(…) or refused(…)`);
    if (scope.ended !== undefined) return { ...described(scope.ended, claim), attempt: held.attempt } as RunEnd;
    return await end(ports, held, claim, settlementOf(outcome, claim), outcome);
  } finally {
    stopRenewing();
  }
}

/** Why a claimed run is not performed: switched off, or a policy or payload that its worker cannot read. */
function refusalOf(worker: CataloguedWorker, claim: Claimed): Settlement | undefined {
  const reading = readPolicy(worker, claim.document);
  if ('mistakes' in reading) return { state: 'dead', reason: 'policy_invalid', error: reading.mistakes };
  if (reading.effective.enabled === false) return { state: 'skipped', reason: 'disabled' };
  const payload = worker.definition.contract.payload.safeParse(claim.payload ?? {});
  if (payload.success) return undefined;
  return { state: 'dead', reason: 'payload_invalid', error: z.prettifyError(payload.error) };
}

function settlementOf(outcome: Outcome, claim: Claimed): Settlement {
  switch (outcome.kind) {
    case 'done':
      return { state: 'done', counts: outcome.counts, ...(outcome.idle ? { idleSince: claim.hintSeq } : {}) };
    case 'yielded':
      return { state: 'owed', reason: 'yielded' };
    case 'deferred':
      return { state: 'owed', afterMs: outcome.afterMs, reason: 'deferred', error: outcome.because };
    case 'refused':
      return { state: 'dead', reason: 'refused', error: outcome.because };
  }
}

async function end(
  ports: PerformerPorts,
  held: RunRef,
  claim: Claimed,
  settlement: Settlement,
  outcome?: Outcome,
): Promise<RunEnd> {
  if (!(await ports.steps(() => ports.ledger.settle(held, settlement)))) return { kind: 'lost' };
  const kind = outcome?.kind === 'yielded' || outcome?.kind === 'deferred' ? outcome.kind : settlement.state;
  return {
    kind: kind === 'owed' ? 'yielded' : kind,
    attempt: held.attempt,
    plan: claim.plan,
    waitMs: claim.waitMs,
    slot: slotOf(claim),
    ...(settlement.reason === undefined ? {} : { reason: settlement.reason }),
    ...(settlement.counts === undefined ? {} : { counts: settlement.counts }),
  };
}

function described(outcome: Outcome, claim: Claimed): Omit<Extract<RunEnd, { attempt: number }>, 'attempt'> {
  const kind = outcome.kind === 'refused' ? 'dead' : outcome.kind;
  const counts = outcome.kind === 'done' ? { counts: outcome.counts } : {};
  return { kind, plan: claim.plan, waitMs: claim.waitMs, slot: slotOf(claim), ...counts };
}

/** As every other event writes a slot, whatever zone the database session shows times in. */
function slotOf({ slot }: Claimed): string | undefined {
  return slot === null ? undefined : new Date(slot).toISOString();
}
