import { isatty } from 'node:tty';
import { pino } from 'pino';
import { type Clock, systemClock } from '../kernel/clock.ts';
import { type AnyEvent, levelOf } from './catalogue.ts';
import type { Events } from './events.ts';
import { loggable } from './loggable.ts';
import { prettyLine } from './pretty.ts';

/** Where finished lines go. */
interface Sink {
  write(line: string): void;
}

/** What is logged, how and where to. */
export interface LogOptions {
  /** Which process this is, such as `scheduler` or `worker decay`; a field of every line. */
  readonly process: string;
  /** The least important level that is logged. */
  readonly level: 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'fatal' | 'silent';
  /** `auto`: pretty when standard error is a terminal, else JSON. */
  readonly format: 'json' | 'pretty' | 'auto';
  /** Default: standard error, as standard output is for data. */
  readonly sink?: Sink;
  readonly clock?: Clock;
}

const STDERR = 2;
/** What is kept while standard error takes nothing, as on a full disk; later lines are dropped. */
const KEPT_BYTES = 1_048_576;

/** Standard error, written to at once: a line that waits in a buffer is lost when the process is killed. */
function standardError(): Sink {
  const sink = pino.destination({ fd: STDERR, sync: true, maxLength: KEPT_BYTES });
  // The reader of the log may be gone, or the disk it goes to full: neither may end the fleet's work.
  sink.on('error', () => {});
  return sink;
}

/**
 * Logs every event of `events`: one JSON line each with `ts`, `level`, `process`, `event` and the payload's fields in
 * snake_case. Credentials are hidden and texts bounded, whatever an event carries. Returns how to stop.
 */
export function logEvents(events: Events, options: LogOptions): () => void {
  const { clock = systemClock, sink = standardError() } = options;
  const pretty = options.format === 'pretty' || (options.format === 'auto' && isatty(STDERR));
  const format = pretty ? prettyLine(isatty(STDERR) && process.stderr.hasColors()) : undefined;
  const logger = pino(
    {
      level: options.level,
      base: null,
      timestamp: () => `,"ts":"${clock.now().toISOString()}"`,
      formatters: { level: (label) => ({ level: label }) },
    },
    format ? { write: (line: string) => sink.write(format(line)) } : sink,
  );
  return events.on('*', (event: AnyEvent) => {
    const level = levelOf(event);
    if (!logger.isLevelEnabled(level)) return;
    const fields = loggable(event.payload) as object;
    logger[level]({ process: options.process, event: event.name, ...fields });
  });
}
