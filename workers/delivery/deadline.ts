/** Thrown into what took too long. */
export class TooLate extends Error {
  override readonly name = 'TooLate';
}

/** A signal that is aborted by `signal`, or with `TooLate` after `ms`; `cancel` when it is no longer needed. */
export function deadline(
  ms: number,
  signal: AbortSignal,
): { readonly signal: AbortSignal; readonly cancel: () => void } {
  const over = new AbortController();
  const timer = setTimeout(() => over.abort(new TooLate()), ms);
  return { signal: AbortSignal.any([signal, over.signal]), cancel: () => clearTimeout(timer) };
}

/** Resolves when the first of `events` has come about, at the latest after `ms`. */
export async function firstOf(events: Iterable<Promise<unknown>>, ms: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const over = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, ms);
  });
  try {
    await Promise.race([...events, over]);
  } finally {
    clearTimeout(timer);
  }
}
