/** What a peer is started with. */
export const DATABASE = process.env.BENCH_DATABASE ?? '';
export const REDIS = process.env.BENCH_REDIS ?? '';

/** What a peer is to do. */
export function task<T>(): T {
  return JSON.parse(process.env.BENCH_TASK ?? '{}') as T;
}

/** Says that it can begin; ends when told, or when the bench is gone. */
export function ready(heard: (message: Record<string, unknown>) => void = () => undefined): void {
  process.on('disconnect', () => process.exit(0));
  process.on('SIGTERM', () => process.exit(0));
  process.on('message', (message) => heard(message as Record<string, unknown>));
  process.send?.({ ready: true });
}

/** Tells the bench something. */
export function tell(message: object): void {
  process.send?.(message);
}
