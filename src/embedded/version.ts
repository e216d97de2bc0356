/** A server's version as far as the fleet decides by it. */
export interface Version {
  readonly major: number;
  readonly minor: number;
  readonly text: string;
}

/** The oldest servers the fleet works with. */
export const OLDEST_POSTGRES = 15;
export const OLDEST_REDIS: Pick<Version, 'major' | 'minor'> = Object.freeze({ major: 6, minor: 2 });

function version(found: RegExpExecArray | null): Version | undefined {
  if (found?.[1] === undefined) return undefined;
  return { major: Number(found[1]), minor: Number(found[2] ?? 0), text: found[0].replace(/^\D+/, '') };
}

/** The version in what `postgres --version` prints; undefined when it is something else's output. */
export function postgresVersion(output: string): Version | undefined {
  return version(
    /(?<=\([A-Za-z]*(?:PostgreSQL|EnterpriseDB)[A-Za-z]*\) )(\d+)(?:\.(\d+))?(?:devel|beta\d+|rc\d+)?/.exec(output),
  );
}

/** The version in what `redis-server --version` or `valkey-server --version` prints. */
export function redisVersion(output: string): Version | undefined {
  return version(/(?<=\bv=)(\d+)\.(\d+)(?:\.\d+)*/.exec(output));
}

/** True when the Redis or Valkey is new enough: 6.2 or later. */
export function isRecentRedis(found: Version): boolean {
  return found.major > OLDEST_REDIS.major || (found.major === OLDEST_REDIS.major && found.minor >= OLDEST_REDIS.minor);
}

/** Newest first. */
export function newestFirst(a: Version, b: Version): number {
  return b.major - a.major || b.minor - a.minor;
}
