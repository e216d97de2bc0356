import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Option } from 'commander';
import type { Variables } from '../../config/given.ts';
import { inheritedEnvironment } from '../../config/inherited.ts';
import { eraseServices } from '../../embedded/fresh.ts';
import { describeDuration } from '../../kernel/duration.ts';
import { RaeError } from '../../kernel/errors.ts';
import type { Call } from '../call.ts';
import type { Answer, Command } from '../command.ts';
import { removeFleetFile, writeFleetFile } from '../fleet-file.ts';
import { lastDataDir, rememberDataDir } from '../last-fleet.ts';
import { option, whole } from '../option.ts';
import { table } from '../table.ts';
import { receivedInWords } from '../up/demo-show.ts';
import type { LocalFleet } from '../up/fleet.ts';
import { interruption } from '../up/interruption.ts';
import { LiveView } from '../up/live-view.ts';
import type { UpReport } from '../up/up.ts';

interface UpOptions {
  readonly once?: true;
  readonly fresh?: true;
  readonly tenants: number;
  readonly memories: number;
  readonly port: number;
}

/** The compiled `rae`, which `up` starts as its processes. */
const PROGRAM = fileURLToPath(new URL('../../main/rae.js', import.meta.url));
/** The folder of the checkout or the installed package. */
const ROOT = fileURLToPath(new URL('../../../', import.meta.url)).replace(/\/\.build\/$/, '/');

/** `rae up`. */
export const upCommand: Command = {
  name: 'up',
  does: 'Brings up a whole fleet on this machine: Postgres, Redis, demo tenants and every process; runs what is due.',
  options: [
    new Option('--once', 'end when the cycles are done'),
    option('--tenants <n>', 'demo tenants in all; 0 = no demo', whole(0, 1_000_000)).default(25),
    option('--memories <n>', 'demo memories in all', whole(0, 100_000_000)).default(5_000),
    new Option('--fresh', 'forget what an earlier start kept'),
    option('--port <n>', 'port of its own /healthz, /readyz and /metrics; 0 = any', whole(0, 65_535)).default(0),
  ],
  examples: ['rae up', 'rae up --once --json --tenants 200 --memories 100000', 'rae up --data /var/lib/rae --fresh'],
  destroys: ({ fresh }) =>
    fresh === true ? 'Everything that an earlier start kept in its data folder is erased.' : undefined,
  run: (call) => run(call, call.options<UpOptions>()),
};

async function run(call: Call, options: UpOptions): Promise<Answer> {
  const { config, out } = call;
  const env = inheritedEnvironment({});
  const dataDir = resolve(call.data ?? config.data ?? lastDataDir(env) ?? resolve(ROOT, '.rae'));
  const { stdout } = process;
  const isTerminal = out.isTerminal && env.TERM !== 'dumb';
  const screen = {
    isTerminal,
    get width() {
      return stdout.columns ?? 80;
    },
    write: (text: string) => out.raw(text),
  };
  const view = call.json ? undefined : new LiveView(screen, call.ports.clock);
  const say = (line: string) => {
    view?.giveWay();
    out.say(line);
  };
  if (options.fresh === true && (config.databaseUrl !== undefined || config.redisUrl !== undefined)) {
    throw new RaeError('RAE_USAGE', '--fresh is for services that rae up starts itself; a given one is not erased', {
      hint: 'leave out --fresh, or unset RAE_DATABASE_URL and RAE_REDIS_URL',
    });
  }
  const catalogue = await call.catalogue;
  // Loaded here, so that no other command waits for what it starts.
  const { up } = await import('../up/up.ts');
  const { stop, force } = interruption(say, npmOf(env));
  const report = await up(
    { dataDir, once: options.once ?? false, tenants: options.tenants, memories: options.memories, port: options.port },
    {
      config,
      catalogue,
      schema: call.ports.schemaOf(catalogue),
      clock: call.ports.clock,
      program: PROGRAM,
      say,
      view,
      stop,
      force,
      prepare: async () => {
        if (options.fresh === true) await eraseServices(dataDir, say);
      },
      remember: (fleet) => {
        writeFleetFile(dataDir, fileOf(fleet, call.ports.clock.now()));
        rememberDataDir(env, dataDir);
      },
      forget: () => removeFleetFile(dataDir, process.pid),
    },
  );
  return { json: report, text: () => described(report, call), exit: report.ok ? 0 : 1 };
}

/** The npm that started this process; undefined where none did. */
function npmOf(env: Variables): number | undefined {
  if (env.npm_lifecycle_event === undefined) return undefined;
  // Killed while this process was starting, npm is no longer its parent: the script has kept the number.
  return Number(env.NPM_PID) || process.ppid;
}

function fileOf(fleet: LocalFleet, now: Date) {
  return {
    version: 1 as const,
    pid: process.pid,
    startedAt: now.toISOString(),
    urls: fleet.urls,
    redisUrl: fleet.services.redis.url,
    apiUrl: fleet.apiUrl,
    metricsPorts: fleet.ports,
  };
}

/** A cycle, or what arrivals have owed to a worker. */
type Row = Omit<UpReport['cycles'][number], 'skipped'> & { readonly skipped: number };

function described(report: UpReport, call: Call): string {
  const columns = [
    { title: 'WORKER', value: (row: Row) => row.worker },
    { title: 'SLOT', value: (row: Row) => row.slot },
    { title: 'OWED', value: (row: Row) => row.owed, align: 'right' as const },
    { title: 'DONE', value: (row: Row) => row.done, align: 'right' as const },
    { title: 'SKIPPED', value: (row: Row) => row.skipped, align: 'right' as const },
    { title: 'DEAD', value: (row: Row) => row.dead, align: 'right' as const },
    { title: 'TOOK', value: (row: Row) => describeDuration(row.seconds * 1_000) },
    {
      title: 'CHANGED',
      value: ({ changed }: Row) =>
        Object.entries(changed)
          .map(([what, n]) => `${what} ${n}`)
          .join(', '),
    },
  ];
  const rows: readonly Row[] = [
    ...report.cycles.map((cycle) => ({ ...cycle, skipped: counted(cycle.skipped) })),
    ...report.wakes.map((woken) => ({ ...woken, slot: 'wake' })),
  ];
  const arrived = report.receiver === undefined ? '' : `\nwebhooks received: ${receivedInWords(report.receiver)}`;
  return `${table(columns, rows, call.out.look)}${arrived}`;
}

function counted(reasons: Readonly<Record<string, number>>): number {
  return Object.values(reasons).reduce((sum, n) => sum + n, 0);
}
