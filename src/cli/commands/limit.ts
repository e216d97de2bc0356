import { OPERATOR } from '../../audit/log.ts';
import { RaeError } from '../../kernel/errors.ts';
import { EVERY_TENANT, type LimitRow } from '../../ledger/limit.ts';
import { LimitBook, type Rate } from '../../ledger/limit-book.ts';
import type { Call } from '../call.ts';
import { clean } from '../cell.ts';
import type { Command } from '../command.ts';
import { decider } from '../decider.ts';
import { knownTenant } from '../known-tenant.ts';
import { argument, option, orWord, type Reader, tenantId, text, whole } from '../option.ts';
import { RemoteLimits } from '../remote-fleet.ts';
import { table } from '../table.ts';
import { workerNamed } from '../worker-name.ts';

const TENANT = '3f2a8c54-1f7e-4c0b-9a53-0d7e2b1c9f10';
const NONE = 'none';
const SECONDS = Object.freeze({ s: 1, m: 60, h: 3_600 } as const);

type Pace = Pick<Rate, 'runs' | 'seconds'>;

const pace: Reader<Pace> = (given) => {
  const [, count, unit = ''] = /^(\d{1,7})\/([smh])$/.exec(given) ?? [];
  const [runs, seconds] = [Number(count), SECONDS[unit as keyof typeof SECONDS]];
  if (runs >= 1 && runs <= 1_000_000 && seconds !== undefined) return { runs, seconds };
  throw new RaeError(
    'RAE_USAGE',
    `is ${JSON.stringify(clean(given.slice(0, 60)))}; expected runs per second, minute or hour, such as 10/s, 600/m or 5000/h`,
  );
};

interface SetOptions {
  readonly tenant?: string;
  readonly cap?: number | typeof NONE;
  readonly rate?: Pace | typeof NONE;
  readonly burst?: number;
  readonly owner: string;
}

const set: Command = {
  overApi: true,
  name: 'set',
  does: 'Bounds a worker: how many of its runs may be admitted at once, of a tenant or in total, and how fast those of a tenant; dispatch follows at once.',
  arguments: [argument('<worker>', 'its name', text)],
  options: [
    option('--tenant <id>', 'of this tenant; without it, of all together', tenantId),
    option('--cap <n>', `how many at once, never lent beyond, or ${NONE}`, orWord(NONE, whole(1, 1_000_000))),
    option(
      '--rate <rate>',
      `with --tenant: how many per second, minute or hour, such as 10/s, or ${NONE}`,
      orWord(NONE, pace),
    ),
    option(
      '--burst <n>',
      'with --rate: how many of them at once after a rest (default: those of a second, at least 1)',
      whole(1, 1_000_000),
    ),
    option('--owner <who>', 'who decided it', text).default(OPERATOR.actor),
  ],
  examples: [
    `rae limit set delivery --tenant ${TENANT} --rate 10/s --burst 20`,
    `rae limit set decay --tenant ${TENANT} --cap 2`,
    'rae limit set trigger-evaluation --cap 50',
    `rae limit set delivery --tenant ${TENANT} --rate ${NONE} --cap ${NONE}`,
  ],
  run: async (call) => {
    const [name] = call.args<[string]>();
    const { tenant, cap, rate, burst, owner } = call.options<SetOptions>();
    const author = decider(call, owner);
    const worker = workerNamed(await call.catalogue, name).name;
    if (cap === undefined && rate === undefined)
      throw new RaeError('RAE_USAGE', 'nothing to set: give --cap or --rate');
    if (burst !== undefined && (rate === undefined || rate === NONE))
      throw new RaeError('RAE_USAGE', '--burst is for --rate: give both');
    if (rate !== undefined && tenant === undefined)
      throw new RaeError('RAE_USAGE', '--rate is of one tenant: give --tenant');
    await knownTenant(call, tenant);
    const change = {
      runCap: cap === NONE ? null : cap,
      rate: rate === NONE || rate === undefined ? rate && null : rateOf(rate, burst),
    };
    const limit = await book(call).set(tenant, worker, change, author);
    return {
      json:
        limit === undefined
          ? { tenant_id: tenant ?? null, worker, run_cap: null, rate: null, burst: null }
          : limitJson(limit),
      text: () => (limit === undefined ? 'nothing bounds it any more' : `${whose(limit)}: ${bounds(limit)}`),
    };
  },
};

const list: Command = {
  overApi: true,
  name: 'list',
  does: 'Lists what bounds single workers, for a tenant or in total.',
  examples: ['rae limit list', 'rae limit list --json'],
  run: async (call: Call) => {
    const limits = await book(call).list();
    return {
      json: limits.map(limitJson),
      text: () =>
        limits.length === 0
          ? 'no worker is bounded besides shares'
          : table(
              [
                { title: 'WORKER', value: (limit) => limit.worker },
                {
                  title: 'OF',
                  value: (limit) => (limit.tenant_id === EVERY_TENANT ? 'all together' : limit.tenant_id),
                },
                { title: 'BOUNDS', value: bounds },
                { title: 'BY', value: (limit) => clean(limit.owner), shrinks: true },
              ],
              limits,
              call.out.look,
            ),
    };
  },
};

/** `rae limit`. */
export const limitCommand: Command = {
  name: 'limit',
  does: 'Bounds single workers: caps and rates.',
  commands: [set, list],
};

function book(call: Call): Pick<LimitBook, 'list' | 'set'> {
  return call.remote === undefined ? new LimitBook(call.connection.as('rae_operator')) : new RemoteLimits(call.remote);
}

function rateOf({ runs, seconds }: Pace, burst: number | undefined): Rate {
  return { runs, seconds, burst: burst ?? Math.max(1, Math.ceil(runs / seconds)) };
}

function paceText({ rate_runs: runs, rate_seconds: seconds }: LimitRow): string | null {
  const unit = Object.entries(SECONDS).find(([, length]) => length === seconds)?.[0];
  return runs === null || unit === undefined ? null : `${runs}/${unit}`;
}

function limitJson(limit: LimitRow): Readonly<Record<string, unknown>> {
  const { tenant_id: tenant, worker, run_cap, burst, owner } = limit;
  return { tenant_id: tenant === EVERY_TENANT ? null : tenant, worker, run_cap, rate: paceText(limit), burst, owner };
}

function whose({ tenant_id: tenant, worker }: LimitRow): string {
  return tenant === EVERY_TENANT ? `${worker} in total` : `${worker} of the tenant ${tenant}`;
}

function bounds(limit: LimitRow): string {
  const { run_cap: cap, burst } = limit;
  const parts = [
    cap === null ? '' : `${cap} at once`,
    paceText(limit) === null ? '' : `${paceText(limit)}, ${burst} at once after a rest`,
  ];
  return parts.filter((part) => part !== '').join('; ');
}
