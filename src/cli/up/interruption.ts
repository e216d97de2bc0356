/** A terminal and npm each pass the same Ctrl-C on: what comes so soon after the first is the first. */
const ECHO_MS = 500;

/** How a user ends a command that runs: a first signal lets it end in order, a second one ends it at once. */
export interface Interruption {
  readonly stop: AbortSignal;
  readonly force: AbortSignal;
}

/** Listens for SIGINT, SIGTERM and SIGHUP from now on. @param say told what the signal does. */
export function interruption(say: (line: string) => void): Interruption {
  const stop = new AbortController();
  const force = new AbortController();
  let first = 0;
  const told = (signal: NodeJS.Signals) => {
    const now = performance.now();
    if (!stop.signal.aborted) {
      first = now;
      say(`${signal}: stopping; once more ends it at once`);
      stop.abort();
    } else if (now - first > ECHO_MS) force.abort();
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, told);
  return { stop: stop.signal, force: force.signal };
}
