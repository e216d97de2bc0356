import { Option } from 'commander';
import { CycleBook, type CycleRecord } from '../../schedule/cycle-book.ts';
import { type CommandedCycles, CycleCommand } from '../../schedule/cycle-command.ts';
import type { Call } from '../call.ts';
import type { Answer, Command } from '../command.ts';
import { knownTenant } from '../known-tenant.ts';
import { argument, instant, option, tenantId, text, whole } from '../option.ts';
import { type MadeCycles, RemoteCycles, refusePreview } from '../remote-cycles.ts';
import { details, table } from '../table.ts';
import { workerNamed } from '../worker-name.ts';
import { preview } from './cycle-preview.ts';

const worker = argument('<worker>', 'the worker', text);
const only = option('--tenant <id>', 'only this tenant', tenantId);

const list: Command = {
  overApi: true,
  name: 'list',
  does: 'Lists cycles, the newest slots first.',
  options: [
    option('--worker <name>', 'only this worker', text),
    option('--limit <n>', 'how many', whole(1, 1_000)).default(20),
  ],
  examples: ['rae cycle list', 'rae cycle list --worker decay --limit 100 --json'],
  run: async (call) => {
    const { worker: name, limit } = call.options<{ worker?: string; limit: number }>();
    if (name !== undefined) workerNamed(await call.catalogue, name);
    const cycles = await book(call).list(name, limit);
    return { json: cycles, text: () => listed(cycles, call) };
  },
};

const show: Command = {
  overApi: true,
  name: 'show',
  does: 'Shows one cycle.',
  arguments: [worker, argument('<slot>', 'its slot', instant)],
  examples: ['rae cycle show decay 2026-11-23T02:00:00Z'],
  run: async (call) => {
    const [name, slot] = call.args<[string, Date]>();
    const cycle = await book(call).show(workerNamed(await call.catalogue, name).name, slot);
    return { json: cycle, text: () => details(pairs(cycle), call.out.look.style) };
  },
};

const run: Command = {
  overApi: true,
  name: 'run',
  does: "Makes a worker's cycle for a slot of your choice; a slot that is there already gains nothing.",
  arguments: [worker],
  options: [
    option('--at <instant>', 'the slot; default: now, to the second', instant),
    only,
    new Option('--dry-run', 'say what would be done, by tenant and class, and change nothing'),
  ],
  examples: [
    'rae cycle run decay',
    'rae cycle run decay --at 2026-11-20T02:00:00Z',
    'rae cycle run retention-purge --dry-run',
  ],
  run: async (call) => {
    const [name] = call.args<[string]>();
    const { at, tenant, dryRun } = call.options<{ at?: Date; tenant?: string; dryRun?: true }>();
    const now = call.ports.clock.now().getTime();
    const slot = at ?? new Date(now - (now % 1_000));
    const one = workerNamed(await call.catalogue, name);
    if (dryRun === true) return call.remote === undefined ? preview(call, one, slot, tenant) : refusePreview();
    if (call.remote !== undefined) return answerOf(name, await new RemoteCycles(call.remote).run(name, slot, tenant));
    return answerOf(name, flat(await (await command(call, tenant)).run(one, slot, tenant)));
  },
};

const backfill: Command = {
  overApi: true,
  name: 'backfill',
  does: "Makes a worker's cycles for every slot of a time that has passed, by each tenant's own schedule.",
  arguments: [worker],
  needs: [
    option('--from <instant>', 'the first slot is at or after this', instant),
    option('--to <instant>', 'the last slot is at or before this', instant),
  ],
  options: [only],
  examples: ['rae cycle backfill decay --from 2026-11-10 --to 2026-11-20T23:59:59Z'],
  run: async (call) => {
    const [name] = call.args<[string]>();
    const { from, to, tenant } = call.options<{ from: Date; to: Date; tenant?: string }>();
    const one = workerNamed(await call.catalogue, name);
    if (call.remote !== undefined)
      return answerOf(name, await new RemoteCycles(call.remote).backfill(name, from, to, tenant));
    return answerOf(name, flat(await (await command(call, tenant)).backfill(one, from, to, tenant)));
  },
};

/** `rae cycle`. */
export const cycleCommand: Command = {
  name: 'cycle',
  does: 'Lists cycles, and makes cycles of other days.',
  commands: [list, show, run, backfill],
};

/** @throws RaeError `RAE_TENANT_UNKNOWN` */
async function command(call: Call, tenant: string | undefined): Promise<CycleCommand> {
  await knownTenant(call, tenant);
  return new CycleCommand(call.connection.as('rae_operator'), call.ports.clock);
}

function book(call: Call): Pick<CycleBook, 'list' | 'show'> {
  return call.remote === undefined ? new CycleBook(call.connection.as('rae_operator')) : new RemoteCycles(call.remote);
}

function flat({ slots, planned: { total, owed, skipped, covered } }: CommandedCycles): MadeCycles {
  return { slots, total, owed, skipped, covered };
}

function answerOf(name: string, { slots, total, owed, skipped, covered }: MadeCycles): Answer {
  const nothing =
    slots.length === 0
      ? 'nothing to do: no schedule has a slot in that time; a date alone is its first instant'
      : 'nothing new: no tenant is due, or the slots were there already';
  return {
    json: { worker: name, slots, total, owed, skipped, covered },
    text: () =>
      `${name}: ${slots.length} ${slots.length === 1 ? 'slot' : 'slots'}, ${owed} ${owed === 1 ? 'run' : 'runs'} owed, ${skipped} skipped, ${covered} covered by a newer slot${
        total === 0 ? ` (${nothing})` : ''
      }`,
  };
}

function listed(cycles: readonly CycleRecord[], call: Call): string {
  if (cycles.length === 0) return 'no cycle yet';
  return table(
    [
      { title: 'WORKER', value: (cycle) => cycle.worker },
      { title: 'SLOT', value: (cycle) => cycle.slot.toISOString() },
      { title: 'STATE', value: (cycle) => (cycle.finished_at === null ? 'open' : 'finished') },
      { title: 'OWED', value: (cycle) => cycle.owed, align: 'right' },
      { title: 'DONE', value: (cycle) => cycle.done, align: 'right' },
      { title: 'SKIPPED', value: (cycle) => cycle.total - cycle.owed, align: 'right' },
      { title: 'DEAD', value: (cycle) => cycle.dead, align: 'right' },
      { title: 'LATE', value: (cycle) => cycle.late, align: 'right' },
      { title: 'ORIGIN', value: (cycle) => cycle.origin },
    ],
    cycles,
    call.out.look,
  );
}

function pairs(cycle: CycleRecord): (readonly [string, string | number | undefined])[] {
  const words = (counts: Readonly<Record<string, number>>) =>
    Object.entries(counts)
      .map(([what, n]) => `${what} ${n}`)
      .join(', ') || 'none';
  return [
    ['worker', cycle.worker],
    ['slot', cycle.slot.toISOString()],
    ['origin', cycle.origin],
    ['planned', cycle.planned_at.toISOString()],
    ['finished', cycle.finished_at?.toISOString() ?? 'not yet'],
    ['runs', cycle.total],
    ['owed', cycle.owed],
    ['open', cycle.open],
    ['done', cycle.done],
    ['skipped', words(cycle.skipped)],
    ['dead', cycle.dead],
    ['late', cycle.late],
    ['changed', words(cycle.changed)],
    ['counted', cycle.counted_at?.toISOString() ?? 'not yet'],
  ];
}
