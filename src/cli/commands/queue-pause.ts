import { Option } from 'commander';
import { parseQueue } from '../../../queues/names.ts';
import { OPERATOR } from '../../audit/log.ts';
import { describeDuration } from '../../kernel/duration.ts';
import { RaeError } from '../../kernel/errors.ts';
import {
  EVERY,
  EVERY_TENANT,
  PAUSED_ARRIVALS,
  type Pause,
  type PausedArrivals,
  type PauseScope,
  scopeOfPause,
} from '../../ledger/pause.ts';
import { PauseBook } from '../../ledger/pause-book.ts';
import type { Call } from '../call.ts';
import { clean } from '../cell.ts';
import type { Command } from '../command.ts';
import { decider } from '../decider.ts';
import { knownTenant } from '../known-tenant.ts';
import { argument, instant, oneOf, option, type Reader, span, tenantId, text } from '../option.ts';
import { type Pauses, RemotePauses } from '../remote-pauses.ts';
import { table } from '../table.ts';
import { workerNamed } from '../worker-name.ts';

const TENANT = '3f2a8c54-1f7e-4c0b-9a53-0d7e2b1c9f10';

const queueName: Reader<string> = (given) => {
  if (parseQueue(given) !== undefined) return given;
  throw new RaeError(
    'RAE_USAGE',
    `is ${JSON.stringify(clean(given.slice(0, 80)))}; expected the name of a queue, such as rae.decay.p00`,
    {
      hint: 'see the names with: rae queue list',
    },
  );
};

const scope = [
  option('--tenant <id>', 'a tenant, or with --worker that worker for it', tenantId),
  option('--worker <name>', 'a worker, for every tenant or for that of --tenant', text),
];

interface PauseOptions {
  readonly tenant?: string;
  readonly worker?: string;
  readonly reason: string;
  readonly owner: string;
  readonly for?: number;
  readonly until?: Date;
  readonly arrivals: PausedArrivals;
  readonly abort?: true;
}

const EXAMPLES = {
  pause: [
    `rae queue pause --tenant ${TENANT} --reason "runaway imports" --for 2h`,
    'rae queue pause --worker delivery --reason "mail provider is down" --arrivals keep',
    'rae queue pause rae.decay.p00 --reason "moving the partition" --abort --owner ops@acme.example',
  ],
  resume: [`rae queue resume --tenant ${TENANT}`, 'rae queue resume --worker delivery', 'rae queue resume --all'],
};

export const queuePause: Command = {
  overApi: true,
  name: 'pause',
  does: 'Pauses a queue, a tenant, a worker or one worker of a tenant: when this returns nothing more of it begins.',
  arguments: [argument('[queue]', 'the name of a queue', queueName)],
  needs: [option('--reason <text>', 'why', text)],
  options: [
    ...scope,
    option('--owner <who>', 'who decided it', text).default(OPERATOR.actor),
    option('--for <time>', 'for so long, such as 90s, 15m, 2h or 3d; then it is lifted by itself', span),
    option('--until <instant>', 'until then', instant),
    option(
      '--arrivals <what>',
      'what becomes owed meanwhile: keep it until the pause is over, or skip it',
      oneOf(PAUSED_ARRIVALS),
    ).default('keep'),
    new Option('--abort', 'also take back what runs now; it begins anew after the pause'),
  ],
  examples: EXAMPLES.pause,
  run: async (call) => {
    const options = call.options<PauseOptions>();
    const { reason, owner, arrivals, abort: aborts = false } = options;
    const author = decider(call, owner);
    const where = await scopeOf(call, options);
    if (Object.values(where).every((one) => one === undefined))
      throw new RaeError('RAE_USAGE', 'nothing to pause: name a queue, or give --tenant, --worker or both');
    const expiresAt = endOf(call, options);
    const pauses = book(call);
    const begun = await pauses.pause({ ...where, arrivals, aborts, reason, expiresAt }, author);
    // What a step held is taken back by the scheduler as soon as that step has ended.
    const running = aborts ? await pauses.abort() : 0;
    const { pause, queued } = begun;
    const taken = `${queued} admitted ${queued === 1 ? 'run is' : 'runs are'} owed again`;
    return {
      json: { ...pauseJson(pause), taken_back: queued, aborted: begun.running, still_running: aborts ? running : null },
      text: () =>
        `${described(pause)} is paused${pause.expires_at === null ? '' : ` until ${pause.expires_at.toISOString()}`}; ${taken}${aborts ? `, ${begun.running} aborted${running > 0 ? `, ${running} more when their step has ended` : ''}` : ''}`,
    };
  },
};

export const queueResume: Command = {
  overApi: true,
  name: 'resume',
  does: 'Lifts a pause: name just what was paused. What was kept goes on in fair order.',
  arguments: [argument('[queue]', 'the name of a queue', queueName)],
  options: [
    ...scope,
    option('--owner <who>', 'who decided it', text).default(OPERATOR.actor),
    new Option('--all', 'lift every pause there is'),
  ],
  examples: EXAMPLES.resume,
  run: async (call) => {
    const options = call.options<{ tenant?: string; worker?: string; owner: string; all?: true }>();
    const author = decider(call, options.owner);
    const where = await scopeOf(call, options);
    const isNamed = Object.values(where).some((one) => one !== undefined);
    if (isNamed === (options.all === true))
      throw new RaeError('RAE_USAGE', 'name what was paused (a queue, --tenant, --worker or both), or say --all');
    const lifted = await book(call).resume(where, author);
    if (lifted.length === 0 && isNamed)
      throw new RaeError('RAE_NOT_FOUND', 'just that is not paused', { hint: 'see what is with: rae queue pauses' });
    return {
      json: { lifted: lifted.map(pauseJson) },
      text: () =>
        lifted.length === 0 ? 'nothing was paused' : lifted.map((one) => `${described(one)} goes on`).join('\n'),
    };
  },
};

export const queuePauses: Command = {
  overApi: true,
  name: 'pauses',
  does: 'Lists what is paused: by whom, why, and until when.',
  options: [new Option('--all', 'also pauses that are over')],
  examples: ['rae queue pauses', 'rae queue pauses --all --json'],
  run: async (call) => {
    const { all = false } = call.options<{ all?: true }>();
    const pauses = await book(call).list({ lifted: all });
    return {
      json: pauses.map(pauseJson),
      text: () => (pauses.length === 0 ? 'nothing is paused' : listed(pauses, call)),
    };
  },
};

function book(call: Call): Pauses {
  return call.remote === undefined ? new PauseBook(call.connection.as('rae_operator')) : new RemotePauses(call.remote);
}

/** What was named. @throws RaeError `RAE_USAGE`, `RAE_TENANT_UNKNOWN` */
async function scopeOf(call: Call, { tenant, worker }: { tenant?: string; worker?: string }): Promise<PauseScope> {
  const [queue] = call.args<[string | undefined]>();
  if (queue !== undefined && (tenant !== undefined || worker !== undefined))
    throw new RaeError('RAE_USAGE', 'a queue is of one worker already: name it alone');
  const of = queue === undefined ? worker : parseQueue(queue)?.worker;
  if (of !== undefined) workerNamed(await call.catalogue, of);
  await knownTenant(call, tenant);
  return { tenantId: tenant, worker: of, queue };
}

function endOf(call: Call, { for: ms, until }: PauseOptions): Date | undefined {
  if (ms !== undefined && until !== undefined) throw new RaeError('RAE_USAGE', '--for and --until exclude each other');
  const now = call.ports.clock.now().getTime();
  if (until !== undefined && until.getTime() <= now)
    throw new RaeError(
      'RAE_USAGE',
      `--until ${until.toISOString()} is over since ${describeDuration(now - until.getTime())}`,
    );
  return ms === undefined ? until : new Date(now + ms);
}

function pauseJson(pause: Pause): Readonly<Record<string, unknown>> {
  const { tenantId = null, worker = null, queue = null } = scopeOfPause(pause);
  return { ...pause, tenant_id: tenantId, worker, queue };
}

function described({ tenant_id: tenant, worker, queue }: Pause): string {
  if (queue !== EVERY) return `the queue ${queue}`;
  if (tenant === EVERY_TENANT) return `the worker ${worker}`;
  return worker === EVERY ? `the tenant ${tenant}` : `${worker} of the tenant ${tenant}`;
}

function listed(pauses: readonly Pause[], call: Call): string {
  return table(
    [
      { title: 'PAUSED', value: described },
      { title: 'ARRIVALS', value: (pause) => pause.arrivals },
      { title: 'BY', value: (pause) => clean(pause.owner), shrinks: true },
      { title: 'SINCE', value: (pause) => pause.created_at.toISOString() },
      {
        title: 'UNTIL',
        value: (pause) => pause.lifted_at?.toISOString() ?? pause.expires_at?.toISOString() ?? 'lifted',
      },
      { title: 'REASON', value: (pause) => clean(pause.reason), shrinks: true },
    ],
    pauses,
    call.out.look,
  );
}
