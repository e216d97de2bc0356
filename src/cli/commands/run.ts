import { Option } from 'commander';
import { RaeError } from '../../kernel/errors.ts';
import { isUuid } from '../../kernel/ids.ts';
import { HOLD_REASONS } from '../../ledger/hold-reason.ts';
import { PauseBook } from '../../ledger/pause-book.ts';
import { RunBook, type RunHold, type RunRecord } from '../../ledger/run-book.ts';
import { RUN_STATES, type RunState } from '../../ledger/run-state.ts';
import { PlacementBook } from '../../tenant/placement-book.ts';
import type { DisplacementRow } from '../../tenant/placement-rule.ts';
import type { Call } from '../call.ts';
import { clean } from '../cell.ts';
import type { Command } from '../command.ts';
import { knownTenant } from '../known-tenant.ts';
import { argument, instant, oneOf, option, type Reader, tenantId, text, whole } from '../option.ts';
import { RemoteRuns } from '../remote-runs.ts';
import { details, table } from '../table.ts';
import { workerNamed } from '../worker-name.ts';

const runId: Reader<string> = (given: string) => {
  const id: unknown = given;
  if (isUuid(id)) return id;
  throw new RaeError('RAE_USAGE', `is ${JSON.stringify(given.slice(0, 60))}; expected the id of a run`, {
    hint: 'see the ids with: rae run list',
  });
};

interface ListOptions {
  readonly tenant?: string;
  readonly worker?: string;
  readonly state?: RunState;
  readonly slot?: Date;
  readonly before?: Date;
  readonly limit: number;
}

const list: Command = {
  overApi: true,
  name: 'list',
  does: 'Lists runs, the newest first.',
  options: [
    option('--tenant <id>', 'only this tenant', tenantId),
    option('--worker <name>', 'only this worker', text),
    option('--state <state>', `only this state: ${RUN_STATES.join(', ')}`, oneOf(RUN_STATES)),
    option('--slot <instant>', 'only this slot', instant),
    option('--before <instant>', 'only runs made before: the CREATED of the last one of the page before', instant),
    option('--limit <n>', 'how many', whole(1, 10_000)).default(50),
  ],
  examples: ['rae run list --state dead', 'rae run list --worker decay --slot 2026-11-23T02:00:00Z --json'],
  run: async (call) => {
    const { tenant, ...filter } = call.options<ListOptions>();
    if (filter.worker !== undefined) workerNamed(await call.catalogue, filter.worker);
    await knownTenant(call, tenant);
    const runs = await book(call).list({ ...filter, tenantId: tenant });
    return { json: runs, text: () => listed(runs, call) };
  },
};

const show: Command = {
  overApi: true,
  name: 'show',
  does: 'Shows one run: where it stands, how it came there, what it changed.',
  arguments: [argument('<run>', 'its id', runId)],
  examples: ['rae run show 7d1f0c52-88c1-4a55-9a0e-6f6b1d1a2c3e'],
  run: async (call) => {
    const [id] = call.args<[string]>();
    const run = await book(call).show(id);
    return { json: run, text: () => details(pairs(run), call.out.look.style) };
  },
};

const why: Command = {
  overApi: true,
  name: 'why',
  does: 'Says why a run stands where it stands: what holds it, or that it waits for its turn only.',
  arguments: [argument('<run>', 'its id', runId)],
  examples: ['rae run why 7d1f0c52-88c1-4a55-9a0e-6f6b1d1a2c3e'],
  run: async (call) => {
    const [id] = call.args<[string]>();
    const [run, hold] = [await book(call).show(id), await book(call).why(id)];
    const { code, says } = explanation(run, hold);
    const pauses =
      code === 'paused' && call.remote === undefined
        ? await new PauseBook(call.connection.as('rae_operator')).holding(run.tenant_id, run.worker)
        : [];
    const { value, bound: limit, owner, since, clears_at, waiting } = hold;
    const about = { run_id: id, tenant_id: run.tenant_id, worker: run.worker, state: run.state, code, says };
    const facts = { value, limit, owner, since, clears_at, waiting, because: pauses.map(({ reason }) => reason) };
    const moved = call.remote === undefined ? await displacedBy(call, run.tenant_id) : undefined;
    const placed = moved === undefined ? '' : `\n  placed elsewhere by a rule (${moved.kind}): ${clean(moved.why)}`;
    const because = pauses.map(({ reason }) => `\n  because: ${clean(reason)}`).join('');
    return {
      json: { ...about, ...facts, displaced: moved ?? null },
      text: () => `${says}${because}${placed}${detail(hold)}`,
    };
  },
};

const retry: Command = {
  overApi: true,
  name: 'retry',
  does: 'Makes dead runs owed again, their failures forgotten.',
  arguments: [argument('[run]', 'the id of one dead run', runId)],
  options: [
    new Option('--all', 'every dead run (of the worker or tenant named)'),
    option('--worker <name>', 'with --all: only this worker', text),
    option('--tenant <id>', 'with --all: only this tenant', tenantId),
  ],
  examples: ['rae run retry 6f1d2c3a-…', 'rae run retry --all --worker decay'],
  run: async (call) => {
    const [id] = call.args<[string | undefined]>();
    const { all, worker, tenant } = call.options<{ all?: true; worker?: string; tenant?: string }>();
    if ((id === undefined) === (all === undefined)) {
      throw new RaeError('RAE_USAGE', 'name one run, or say --all');
    }
    if (worker !== undefined) workerNamed(await call.catalogue, worker);
    await knownTenant(call, tenant);
    if (id !== undefined) await book(call).retry(id);
    const retried = id === undefined ? await book(call).retryDead(worker, tenant) : 1;
    return { json: { retried }, text: () => `${retried} ${retried === 1 ? 'run is' : 'runs are'} owed again` };
  },
};

const cancel: Command = {
  overApi: true,
  name: 'cancel',
  does: 'Takes an owed run out of the work; it is recorded as skipped.',
  arguments: [argument('<run>', 'its id', runId)],
  examples: ['rae run cancel 7d1f0c52-88c1-4a55-9a0e-6f6b1d1a2c3e'],
  run: async (call) => {
    const [id] = call.args<[string]>();
    await book(call).cancel(id);
    return { json: { cancelled: id }, text: () => `run ${id} is cancelled` };
  },
};

/** `rae run`. */
export const runCommand: Command = {
  name: 'run',
  does: 'Lists runs, shows one, says why it waits, retries or cancels it.',
  commands: [list, show, why, retry, cancel],
};

function book(call: Call): Pick<RunBook, 'list' | 'show' | 'why' | 'retry' | 'cancel' | 'retryDead'> {
  return call.remote === undefined ? new RunBook(call.connection.as('rae_operator')) : new RemoteRuns(call.remote);
}

/** A stable code and a sentence. */
/** The rule that has placed the tenant elsewhere. */
async function displacedBy(call: Call, tenant: string): Promise<DisplacementRow | undefined> {
  const { displaced } = await new PlacementBook(call.connection.as('rae_operator')).show();
  return displaced.find(({ tenant_id: id }) => id === tenant);
}

function explanation(run: RunRecord, { state, reason }: RunHold): { readonly code: string; readonly says: string } {
  switch (state) {
    case 'owed':
      if (reason === null) return { code: 'eligible', says: 'waits for its turn; nothing holds it' };
      return { code: reason, says: `held: ${reason}, as ${HOLD_REASONS[reason]}` };
    case 'queued':
      return { code: 'queued', says: 'admitted; waits in its queue for a free place of a worker process' };
    case 'running':
      return { code: 'running', says: `attempt ${run.attempt} has begun and not ended` };
    default:
      return { code: run.reason ?? state, says: `is ${state}${run.reason === null ? '' : `: ${run.reason}`}` };
  }
}

function detail({ value, bound, owner, since, clears_at: clears, waiting }: RunHold): string {
  const parts = [
    value === null ? '' : `${value}${bound === null ? '' : ` of ${bound}`} now`,
    since === null ? '' : `since ${since.toISOString()}`,
    clears === null ? '' : `until ${clears.toISOString()}`,
    owner === null ? '' : `by ${owner}`,
    waiting === null ? '' : `${waiting} ${waiting === 1 ? 'run' : 'runs'} of its tenant and worker wait like it`,
  ];
  const said = parts.filter((part) => part !== '');
  return said.length === 0 ? '' : `\n  ${said.join('\n  ')}`;
}

function listed(runs: readonly RunRecord[], call: Call): string {
  if (runs.length === 0) return 'no run fits';
  return table(
    [
      { title: 'RUN', value: (run) => run.run_id },
      { title: 'TENANT', value: (run) => run.tenant_id },
      { title: 'WORKER', value: (run) => run.worker },
      { title: 'SLOT', value: (run) => run.slot?.toISOString() ?? run.origin },
      { title: 'STATE', value: (run) => run.state },
      { title: 'REASON', value: (run) => run.reason ?? undefined },
      { title: 'ATTEMPT', value: (run) => run.attempt, align: 'right' },
      { title: 'CREATED', value: (run) => run.created_at.toISOString(), shrinks: true },
      { title: 'ERROR', value: (run) => run.error ?? undefined, shrinks: true },
    ],
    runs,
    call.out.look,
  );
}

function pairs(run: RunRecord): (readonly [string, string | number | undefined])[] {
  return [
    ['run', run.run_id],
    ['tenant', run.tenant_id],
    ['worker', run.worker],
    ['origin', run.origin],
    ['slot', run.slot?.toISOString()],
    ['state', run.state],
    ['reason', run.reason ?? undefined],
    ['covered by', run.covered_by?.toISOString()],
    ['error', run.error ?? undefined],
    ['attempt', run.attempt],
    ['failures', run.failures],
    ['lapses', run.lapses],
    ['created', run.created_at.toISOString()],
    ['available', run.available_at.toISOString()],
    ['priority', run.priority === 0 ? undefined : run.priority],
    ['deadline', run.deadline?.toISOString()],
    ['started', run.started_at?.toISOString()],
    ['finished', run.finished_at?.toISOString()],
    ['changed', run.counts === null ? undefined : JSON.stringify(run.counts)],
  ];
}
