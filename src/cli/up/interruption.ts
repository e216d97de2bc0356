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
 * @param byNpm npm started this process. Killed, npm ends without passing that on, and so its end is a first signal too.
 */
export function interruption(say: (line: string) => void, byNpm: boolean): Interruption {
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
  if (byNpm) onceOrphaned(() => told('npm has ended'));
  return { stop: stop.signal, force: force.signal };
}

function onceOrphaned(tell: () => void): void {
  const parent = process.ppid;
  const watch = setInterval(() => {
    if (process.ppid === parent) return;
    clearInterval(watch);
    tell();
  }, PARENT_MS);
  watch.unref();
}
