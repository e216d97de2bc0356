import { readFileSync, statSync } from 'node:fs';
import { userInfo } from 'node:os';

/** Whom a server runs as. */
export interface Identity {
  readonly name: string;
  /** Set where it is somebody else than this process; only root may do that. */
  readonly ids: { readonly uid: number; readonly gid: number } | undefined;
}

interface Account {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
}

function accounts(): readonly Account[] {
  try {
    return readFileSync('/etc/passwd', 'utf8')
      .split('\n')
      .map((line) => line.split(':'))
      .map(([name = '', , uid, gid]) => ({ name, uid: Number(uid), gid: Number(gid) }))
      .filter(({ name, uid, gid }) => name !== '' && uid > 0 && Number.isInteger(uid) && Number.isInteger(gid));
  } catch {
    return [];
  }
}

/** True when this process is root, whom Postgres refuses to run for. */
export function isRoot(): boolean {
  return process.getuid?.() === 0;
}

/**
 * Whom to run the servers as: this user; for root the owner of the data there is (`data`, which may not exist), else
 * the user `postgres`, else `nobody`. No user is ever created.
 */
export function serverIdentity(data: string): Identity {
  if (!isRoot()) return { name: userName(), ids: undefined };
  const owner = statSync(data, { throwIfNoEntry: false });
  const known = accounts();
  if (owner !== undefined && owner.uid > 0) {
    const { uid, gid } = owner;
    return { name: known.find((account) => account.uid === uid)?.name ?? String(uid), ids: { uid, gid } };
  }
  const found = ['postgres', 'nobody'].map((name) => known.find((account) => account.name === name)).find(Boolean);
  const { name, uid, gid } = found ?? { name: 'nobody', uid: 65_534, gid: 65_534 };
  return { name, ids: { uid, gid } };
}

function userName(): string {
  try {
    return userInfo().username;
  } catch {
    // A container may run under a number that has no account.
    return String(process.getuid?.() ?? 'unknown');
  }
}
