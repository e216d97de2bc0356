import { setTimeout as pause } from 'node:timers/promises';
import { makeDemo } from '../../demo/demo.ts';
import { CycleCommand } from '../../schedule/cycle-command.ts';
import { PolicyBook } from '../../tenant/policy-book.ts';
import { type FleetPorts, LocalFleet } from './fleet.ts';
import { UpHealth } from './health.ts';
import { type Interruption, interrupted, unlessTold } from './interruption.ts';
import type { LiveView } from './live-view.ts';
import { patient } from './patient.ts';
import { type CycleName, type CycleProgress, FleetProgress } from './progress.ts';

/** What `rae up` is asked for. */
export interface UpRequest {
  readonly dataDir: string;
  /** End once the cycles are done. */
  readonly once: boolean;
  /** Demo tenants and memories in all; no tenants = no demo. */
  readonly tenants: number;
  readonly memories: number;
  /** Port of its own /healthz, /readyz and /metrics; 0 = any free one. */
  readonly port: number;
}

/** What `rae up` needs besides. */
export interface UpPorts extends FleetPorts, Interruption {
  /** Shows the progress; undefined = nobody watches. It gives way to what is said. */
  readonly view: LiveView | undefined;
  /** Done before anything is started. */
  readonly prepare: () => Promise<void>;
  /** Told how to reach the fleet once it runs, so that other commands find it. */
  readonly remember: (fleet: LocalFleet) => void;
  /** Told that it no longer runs. */
  readonly forget: () => void;
}

/** What `rae up --once --json` prints. */
export interface UpReport {
  readonly ok: boolean;
  readonly services: Readonly<Record<'postgres' | 'redis', { readonly via: string; readonly version: string }>>;
  readonly tenants: number;
  readonly cycles: readonly Omit<CycleProgress, 'finished' | 'total'>[];
}

const VIEW_MS = 500;
/** A start that is told to end may go on for so long, to end in order; a download may take minutes. */
const OPENING_PATIENCE_MS = 5_000;

/**
 * Brings up a whole fleet on this machine, runs the cycle that each schedule was last due for, and shows it. Ends with
 * the cycles (`once`), or when told to; leaves nothing running.
 * @throws RaeError for whatever keeps it from starting.
 */
export async function up(request: UpRequest, ports: UpPorts): Promise<UpReport> {
  const health = new UpHealth(ports.catalogue);
  // First: a port that is taken must not leave anything erased, started or made.
  const served = await health.serve(request.port);
  try {
    await ports.prepare();
    ports.say(`health: http://127.0.0.1:${served.port}/readyz`);
    return await supervise(request, ports, health);
  } finally {
    await served.stop();
  }
}

async function supervise(request: UpRequest, ports: UpPorts, health: UpHealth): Promise<UpReport> {
  const { view, say, stop, force } = ports;
  const crashed = (name: string, how: string) => say(`${name} ended (${how}) and is started again`);
  const fleet = await unlessTold(LocalFleet.open(ports, request.dataDir, crashed), ports, OPENING_PATIENCE_MS);
  try {
    const operator = fleet.operator();
    health.progress = new FleetProgress(operator);
    const progress = new FleetProgress(patient(operator, ports));
    const report = await run(request, ports, fleet, progress);
    if (!request.once) {
      say('running; Ctrl-C ends it');
      for (; !stop.aborted; await paused(stop)) view?.show(await progress.workers());
    }
    return report;
  } finally {
    ports.forget();
    const closing = fleet.close(force.aborted);
    force.addEventListener('abort', () => void fleet.close(true).catch(() => undefined), { once: true });
    await closing;
  }
}

async function run(request: UpRequest, ports: UpPorts, fleet: LocalFleet, progress: FleetProgress): Promise<UpReport> {
  const { catalogue, clock, say, stop, view } = ports;
  await demo(request, ports, fleet);
  stopIfTold(stop);
  await unlessTold(fleet.startProcesses(), ports, 0);
  ports.remember(fleet);
  say(`processes: scheduler, ${catalogue.names.map((name) => `worker ${name}`).join(', ')}`);
  while (await progress.enrolling(catalogue.names.length)) await shown(progress, view, stop);
  const command = new CycleCommand(fleet.operator(), clock);
  const names: CycleName[] = [];
  for (const worker of catalogue.all.filter(({ schedule }) => schedule !== undefined)) {
    const { slots } = await command.latest(worker, clock.now());
    names.push(...slots.map((slot) => ({ worker: worker.name, slot })));
  }
  let cycles = await progress.cycles(names);
  while (cycles.some(({ finished }) => !finished)) {
    await shown(progress, view, stop);
    cycles = await progress.cycles(names);
  }
  view?.show(await progress.workers());
  const { postgres, redis } = fleet.services;
  return {
    ok: cycles.every(({ dead }) => dead === 0),
    services: {
      postgres: { via: postgres.via, version: await progress.postgresVersion() },
      redis: { via: redis.via, version: redis.version },
    },
    tenants: await progress.tenants(),
    cycles: cycles.map(({ finished: _finished, total: _total, ...cycle }) => cycle),
  };
}

async function demo(
  { tenants, memories }: UpRequest,
  { catalogue, clock, say, stop }: UpPorts,
  fleet: LocalFleet,
): Promise<void> {
  if (tenants === 0) return;
  const data = fleet.tenants();
  const schemas = new Map(
    catalogue.all.map(({ name, definition, fingerprint, defaultPolicy }) => [
      name,
      { schema: definition.contract.policy, fingerprint, defaults: defaultPolicy },
    ]),
  );
  const scheduled = catalogue.all.filter(({ schedule }) => schedule !== undefined).map(({ name }) => name);
  const policies = new PolicyBook(data, schemas);
  const report = await makeDemo(
    { registry: fleet.operator(), tenants: data, policies, scheduled, clock },
    { tenants, memories, onProgress: () => stopIfTold(stop) },
  );
  say(`demo: ${report.tenants.total} tenants, ${report.memories.total} memories`);
}

async function shown(progress: FleetProgress, view: LiveView | undefined, stop: AbortSignal): Promise<void> {
  stopIfTold(stop);
  view?.show(await progress.workers());
  await paused(stop);
}

/** Ends early, and without an error of its own, when the user wants to stop. */
async function paused(stop: AbortSignal): Promise<void> {
  await pause(VIEW_MS, undefined, { signal: stop }).catch(() => undefined);
}

function stopIfTold(stop: AbortSignal): void {
  if (stop.aborted) throw interrupted();
}
