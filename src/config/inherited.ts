import type { Variables } from './given.ts';

/** Variables that say where services are: a process started by another is told by it, not by the environment. */
const ADDRESSES =
  /^(RAE_(DATABASE|DATABASE_DIRECT|REDIS|SHARD_[A-Z0-9_]+)_URL(_FILE)?|DATABASE_URL|REDIS_URL|RAE_METRICS_PORT|RAE_LOG_FORMAT)$/;

/** The environment for a process that this one starts, with `changes` in place of every address. */
export function inheritedEnvironment(changes: Variables, env: Variables = process.env): Variables {
  return { ...Object.fromEntries(Object.entries(env).filter(([name]) => !ADDRESSES.test(name))), ...changes };
}
