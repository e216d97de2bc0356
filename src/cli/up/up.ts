import { setTimeout as pause } from 'node:timers/promises';
import { makeDemo } from '../../demo/demo.ts';
import type { DemoReceiver, Received } from '../../demo/receiver.ts';
import { Showcase } from '../../demo/showcase.ts';
import { CycleCommand } from '../../schedule/cycle-command.ts';
import { PolicyBook } from '../../tenant/policy-book.ts';
import { receivedInWords, startReceiver } from './demo-show.ts';
import { type FleetPorts, LocalFleet } from './fleet.ts';
import { UpHealth } from './health.ts';
import { type Interruption, interrupted, unlessTold } from './interruption.ts';
import type { LiveView } from './live-view.ts';
import { patient } from './patient.ts';
import { type CycleName, type CycleProgress, FleetProgress, type WakeProgress } from './progress.ts';

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
  /** What arrived and was worked on, by each worker that arrivals wake. */
  readonly wakes: readonly WakeProgress[];
  /** What the demo's tenants have sent to the receiver of the demo; left out where there is no demo. */
  readonly receiver?: Received & { readonly url: string };
}

/** A fleet with the demo that is at work in it. */
interface Scene {
  readonly fleet: LocalFleet;
  readonly progress: FleetProgress;
  readonly receiver: DemoReceiver | undefined;
  readonly showcase: Showcase | undefined;
}

const VIEW_MS = 500;
/** How many moments of the demo pass while the first cycles run, and how many looks there are to one later. */
const FIRST_MOMENTS = 40;
const LOOKS_PER_MOMENT = 2;
/** How many looks there are to one line in a file, while the demo goes on. */
const LOOKS_PER_LINE = 20;
/** For so long `once` waits for what has arrived to be worked on: in a fleet that others use, something always arrives. */
const SETTLE_MS = 60_000;
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
  const { say, force, clock, catalogue } = ports;
  const since = clock.now();
  const crashed = (name: string, how: string) => say(`${name} ended (${how}) and is started again`);
  const fleet = await unlessTold(LocalFleet.open(ports, request.dataDir, crashed), ports, OPENING_PATIENCE_MS);
  let receiver: DemoReceiver | undefined;
  try {
    const operator = fleet.operator();
    health.progress = new FleetProgress(operator, catalogue.names, since);
    const progress = new FleetProgress(patient(operator, ports), catalogue.names, since);
    if (request.tenants > 0) receiver = await startReceiver(request.dataDir);
    const showcase = request.tenants > 0 ? new Showcase(fleet.tenants(), clock, request.tenants) : undefined;
    const scene = { fleet, progress, receiver, showcase };
    const report = await run(request, ports, scene);
    if (request.once) return report;
    await stay(ports, scene);
    return { ...report, ...(await arrived(ports, scene).catch(() => ({}))) };
  } finally {
    ports.forget();
    const closing = fleet.close(force.aborted);
    force.addEventListener('abort', () => void fleet.close(true).catch(() => undefined), { once: true });
    await closing;
    await receiver?.stop();
  }
}

/** Shows the fleet, and lets the demo go on, until told to end. */
async function stay({ say, stop, view }: UpPorts, { progress, receiver, showcase }: Scene): Promise<void> {
  say('running; Ctrl-C ends it');
  for (let looks = 0; !stop.aborted; looks += 1) {
    // With Postgres away nothing happens to the demo's tenants; the fleet says that it is away.
    if (looks % LOOKS_PER_MOMENT === 0) await showcase?.pass(1).catch(() => undefined);
    const workers = await progress.workers();
    if (view?.isDrawn === true || looks % LOOKS_PER_LINE === 0) view?.show(workers, noteOf(receiver));
    await paused(stop);
  }
}

async function run(request: UpRequest, ports: UpPorts, scene: Scene): Promise<UpReport> {
  const { catalogue, say, stop, view, config } = ports;
  const { fleet, progress, receiver, showcase } = scene;
  await demo(request, ports, fleet);
  if (receiver !== undefined) {
    await showcase?.prepare(receiver.url);
    say(`receiver of the demo's webhooks: ${receiver.url}`);
  }
  stopIfTold(stop);
  // The one address of this machine that the demo's tenants may call.
  const allowed =
    receiver === undefined ? config.webhookAllow : [config.webhookAllow, '127.0.0.1'].filter(Boolean).join(',');
  await unlessTold(fleet.startProcesses(allowed === undefined ? {} : { RAE_WEBHOOK_ALLOW: allowed }), ports, 0);
  ports.remember(fleet);
  say(`API: ${fleet.apiUrl} (described in ${fleet.apiUrl}/openapi.json)`);
  say(`processes: scheduler, api, ${catalogue.names.map((name) => `worker ${name}`).join(', ')}`);
  while (await progress.enrolling(catalogue.names.length)) await shown(scene, view, stop);
  await showcase?.pass(FIRST_MOMENTS);
  const cycles = await cyclesRun(ports, scene);
  if (request.once) await settled(ports, scene);
  view?.show(await progress.workers(), noteOf(receiver));
  const since = await arrived(ports, scene);
  const { postgres, redis } = fleet.services;
  return {
    ok: [...cycles, ...since.wakes].every(({ dead }) => dead === 0),
    services: {
      postgres: { via: postgres.via, version: await progress.postgresVersion() },
      redis: { via: redis.via, version: redis.version },
    },
    tenants: await progress.tenants(),
    cycles: cycles.map(({ finished: _finished, total: _total, ...cycle }) => cycle),
    ...since,
  };
}

/** What has arrived until now, at the workers that arrivals wake and at the demo's receiver. */
async function arrived(
  { catalogue }: UpPorts,
  { progress, receiver }: Scene,
): Promise<Pick<UpReport, 'wakes' | 'receiver'>> {
  const woken = catalogue.all.filter(({ definition }) => definition.when.wakes !== undefined);
  const wakes = await progress.wakes(woken.map(({ name }) => name));
  return { wakes, ...(receiver === undefined ? {} : { receiver: { url: receiver.url, ...receiver.received } }) };
}

/** Runs the cycle that each schedule was last due for, to its end. */
async function cyclesRun({ catalogue, clock, view, stop }: UpPorts, scene: Scene): Promise<readonly CycleProgress[]> {
  const { fleet, progress } = scene;
  const command = new CycleCommand(fleet.operator(), clock);
  const names: CycleName[] = [];
  for (const worker of catalogue.all.filter(({ schedule }) => schedule !== undefined)) {
    const { slots } = await command.latest(worker, clock.now());
    names.push(...slots.map((slot) => ({ worker: worker.name, slot })));
  }
  let cycles = await progress.cycles(names);
  while (cycles.some(({ finished }) => !finished)) {
    await shown(scene, view, stop);
    cycles = await progress.cycles(names);
  }
  return cycles;
}

/** Waits until what has arrived is worked on. */
async function settled({ clock, view, stop, say }: UpPorts, scene: Scene): Promise<void> {
  const started = clock.monotonicMs();
  // What one worker does is what another waits for: only a second look in a row is sure.
  for (let quiet = 0; quiet < 2; ) {
    quiet = (await scene.progress.atWork()) ? 0 : quiet + 1;
    if (clock.monotonicMs() - started > SETTLE_MS) {
      say(`something still arrives after ${SETTLE_MS / 1_000} s: not waited for`);
      return;
    }
    if (quiet < 2) await shown(scene, view, stop);
  }
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

async function shown(scene: Scene, view: LiveView | undefined, stop: AbortSignal): Promise<void> {
  stopIfTold(stop);
  view?.show(await scene.progress.workers(), noteOf(scene.receiver));
  await paused(stop);
}

function noteOf(receiver: DemoReceiver | undefined): string | undefined {
  return receiver === undefined ? undefined : `webhooks received: ${receivedInWords(receiver.received)}`;
}

/** Ends early, and without an error of its own, when the user wants to stop. */
async function paused(stop: AbortSignal): Promise<void> {
  await pause(VIEW_MS, undefined, { signal: stop }).catch(() => undefined);
}

function stopIfTold(stop: AbortSignal): void {
  if (stop.aborted) throw interrupted();
}
