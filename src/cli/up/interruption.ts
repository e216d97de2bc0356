import { RaeError } from '../../kernel/errors.ts';

/** A terminal and npm each pass the same Ctrl-C on: what comes so soon after the first is the first. */
const ECHO_MS = 500;
/** How often it is looked whether the parent is still there; nothing tells. */
const PARENT_MS = 500;

/** How a user ends a command that runs: a first signal lets it end in order, a second one ends it at once. */
export interface Interruption {
  readonly stop: AbortSignal;
  readonly force: AbortSignal;
}

/**
 * Listens for SIGINT, SIGTERM and SIGHUP from now on.
 * @param say told what the signal does.
 * @param npm pid of the npm that started this process. Killed, it ends without passing that on, and so its end is a
 * first signal too, however early it came.
 */
export function interruption(say: (line: string) => void, npm?: number): Interruption {
  const stop = new AbortController();
  const force = new AbortController();
  let first = 0;
  const told = (what: string) => {
    const now = performance.now();
    if (!stop.signal.aborted) {
      first = now;
      say(`${what}: stopping; once more ends it at once`);
      stop.abort();
    } else if (now - first > ECHO_MS) force.abort();
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, told);
  if (npm !== undefined) onceOrphaned(npm, () => told('npm has ended'));
  return { stop: stop.signal, force: force.signal };
}

/**
 * What `work` gives, unless the user wants an end before: that is an error, `patienceMs` after the first signal, so that
 * what is nearly done ends in order, and at once after the second. `work` itself goes on, unheard.
 * @throws RaeError `RAE_INTERRUPTED`, and whatever `work` throws before.
 */
export async function unlessTold<T>(work: Promise<T>, { stop, force }: Interruption, patienceMs: number): Promise<T> {
  const quiet = new AbortController();
  const told = new Promise<never>((_, reject) => {
    const end = () => reject(interrupted());
    const wait = () => {
      const patience = setTimeout(end, patienceMs);
      quiet.signal.addEventListener('abort', () => clearTimeout(patience));
    };
    if (stop.aborted) wait();
    stop.addEventListener('abort', wait, { signal: quiet.signal });
    force.addEventListener('abort', end, { signal: quiet.signal });
  });
  try {
    return await Promise.race([work, told]);
  } finally {
    quiet.abort();
  }
}

/** That the user wanted an end before all was done. */
export function interrupted(): RaeError {
  return new RaeError('RAE_INTERRUPTED', 'stopped before it was done');
}

function onceOrphaned(parent: number, tell: () => void): void {
  const watch = setInterval(() => {
    if (process.ppid === parent) return;
    clearInterval(watch);
    tell();
  }, PARENT_MS);
  watch.unref();
}
