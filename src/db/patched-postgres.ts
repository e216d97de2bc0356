/** A hole in row-level security that a server's minor release still has. */
export interface KnownHole {
  readonly cve: string;
  readonly version: string;
  readonly fixedIn: string;
}

/**
 * First minor release of each branch without CVE-2026-120154 (INSERT … ON CONFLICT DO UPDATE … WHERE reads a hidden
 * row before the policy is checked). Tenant-first keys close it too; see docs/decisions/0003.
 */
const FIXED_MINOR: Readonly<Record<number, number>> = { 14: 25, 15: 20, 16: 16, 17: 12, 18: 7 };

/** The known hole of a server with this `server_version_num`, or undefined. Newer branches than known count as fixed. */
export function knownHole(serverVersionNum: number): KnownHole | undefined {
  const major = Math.floor(serverVersionNum / 10_000);
  const minor = serverVersionNum % 10_000;
  const fixed = FIXED_MINOR[major];
  if (fixed === undefined || minor >= fixed) return undefined;
  return { cve: 'CVE-2026-120154', version: `${major}.${minor}`, fixedIn: `${major}.${fixed}` };
}
