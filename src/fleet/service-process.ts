import { COMPLETION_REFUSALS } from '../../queues/completion-message.ts';
import { TICKET_REFUSALS } from '../../queues/open-ticket.ts';
import type { Clock } from '../kernel/clock.ts';
import { messageOf, RaeError } from '../kernel/errors.ts';
import { HOLD_REASONS } from '../ledger/hold-reason.ts';
import { HealthServer } from '../observe/health-server.ts';
import { logEvents } from '../observe/log.ts';
import { Metrics } from '../observe/metrics.ts';
import type { ProcessParts } from './process-parts.ts';
import type { Service } from './service.ts';
import { VERSION } from './version.ts';

/** Plans as metrics label them. */
const PLANS = ['free', 'pro', 'enterprise'];
/** A terminal and npx each pass the same Ctrl-C on: what comes so soon after the first signal is the first. */
const ECHO_MS = 250;

/**
 * Runs a service until the process is told to stop, and drains it then: a first SIGTERM or SIGINT (or the end of the
 * `rae up` that started it) lets it finish or yield within the drain time; a second signal, or the end of that time,
 * aborts what is left.
 * @param name the process's name in log and metrics · @param build opens connections and makes the service.
 * @returns the exit code.
 */
export async function runService(
  name: string,
  parts: ProcessParts,
  warnings: readonly string[],
  build: () => Promise<Service>,
): Promise<number> {
  const { config, events, catalogue } = parts;
  logEvents(events, { process: name, level: config.logLevel, format: config.logFormat });
  const metrics = new Metrics({
    workers: catalogue.names,
    plans: PLANS,
    refusals: TICKET_REFUSALS,
    completionRefusals: COMPLETION_REFUSALS,
    holds: Object.keys(HOLD_REASONS),
  });
  metrics.follow(events);
  endOnUnhandled(parts);
  events.emit('service.started', { process: name, version: VERSION, node: process.version, pid: process.pid });
  for (const message of warnings) events.emit('config.warned', { message });
  const told = toldToStop(parts.clock);
  const service = await build();
  metrics.begin(service.endpoints ?? []);
  const health = new HealthServer({
    live: () => service.live(),
    checks: service.checks,
    metrics: () => metrics.text(),
  });
  try {
    const host = '0.0.0.0';
    const { port, stop } = await health.start({ port: config.metricsPort, host });
    events.emit('port.opened', { purpose: 'health and metrics', host, port });
    try {
      await service.start();
      events.emit('service.ready', { process: name });
      process.send?.({ ready: true, port, servedPort: service.port });
      const signal = await told.first;
      events.emit('service.stopping', { process: name, signal, inFlight: service.inFlight });
      if (!(await endsInTime(service.drain(), config.drainMs, told.second))) {
        events.emit('drain.expired', { process: name, inFlight: service.inFlight });
        service.abort();
      }
    } finally {
      await stop();
    }
  } finally {
    // What hangs while closing must not keep the process: the deadline has passed.
    await endsInTime(service.close(), 5_000, told.second);
  }
  events.emit('service.stopped', { process: name });
  return 0;
}

/** Tells when the process is to stop, and when it is to stop at once. */
function toldToStop(clock: Clock): { readonly first: Promise<string>; readonly second: Promise<string> } {
  let tellFirst: (signal: string) => void = () => undefined;
  let tellSecond: (signal: string) => void = () => undefined;
  const first = new Promise<string>((resolve) => {
    tellFirst = resolve;
  });
  const second = new Promise<string>((resolve) => {
    tellSecond = resolve;
  });
  let firstAt: number | undefined;
  const tell = (signal: string) => {
    const now = clock.monotonicMs();
    firstAt ??= now;
    if (now === firstAt) tellFirst(signal);
    else if (now - firstAt > ECHO_MS) tellSecond(signal);
  };
  process.on('SIGTERM', () => tell('SIGTERM'));
  process.on('SIGINT', () => tell('SIGINT'));
  // The parent that started this process is gone, however it went: nobody else would end it.
  process.on('disconnect', () => tellFirst('disconnect'));
  return { first, second };
}

/** @returns whether `work` ended before the time was over and before `cut`. */
async function endsInTime(work: Promise<void>, ms: number, cut: Promise<unknown>): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const over = new Promise<false>((resolve) => {
    timer = setTimeout(() => resolve(false), ms);
  });
  try {
    return await Promise.race([work.then(() => true), over, cut.then(() => false)]);
  } finally {
    clearTimeout(timer);
  }
}

function endOnUnhandled({ events }: ProcessParts): void {
  const crash = (error: unknown) => {
    const stack = error instanceof Error && !(error instanceof RaeError) ? error.stack : undefined;
    events.emit('process.crashed', { message: messageOf(error), ...(stack === undefined ? {} : { stack }) });
    // In an unknown state it must not go on: its runs are taken back when their leases run out.
    process.exit(1);
  };
  process.on('uncaughtException', crash);
  process.on('unhandledRejection', crash);
}
