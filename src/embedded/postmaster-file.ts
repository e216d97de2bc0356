import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { RaeError } from '../kernel/errors.ts';
import type { Identity } from './identity.ts';
import { stampOf } from './process-stamp.ts';
import { until } from './until.ts';
import { processesIn } from './working-in.ts';

/** How long the parts of a killed server may take to notice, in milliseconds. */
const PARTS_MS = 10_000;

/** What a Postgres server tells of itself in its data. */
export interface Postmaster {
  readonly pid: number;
  /** `ready` once it takes connections, recovery included: what pg_ctl waits for, too. */
  readonly state: string;
}

/** The server that has, or had, this data; undefined when the last one ended in order. */
export function postmasterOf(cluster: string): Postmaster | undefined {
  try {
    const lines = readFileSync(join(cluster, 'postmaster.pid'), 'utf8').split('\n');
    return { pid: Number(lines[0]), state: lines[7]?.trim() ?? '' };
  } catch {
    return undefined;
  }
}

/** Waits until no part of a killed server works in the data any more; gives those that still do. */
export async function partsLeft(cluster: string, identity: Identity): Promise<readonly number[] | undefined> {
  const none = async () => ((await processesIn(cluster, identity))?.length === 0 ? [] : undefined);
  return (await until(none, PARTS_MS)) ?? (await processesIn(cluster, identity));
}

/**
 * Removes the lock file of a dead server whose number another process has now: Postgres would take that one for it.
 * Where this machine does not tell what that process is, Postgres decides.
 * @throws RaeError `RAE_DATA_DIR_UNUSABLE` when a server that is not ours has the data.
 */
export async function clearLockFile(cluster: string, identity: Identity): Promise<void> {
  const postmaster = postmasterOf(cluster);
  if (postmaster === undefined || !(postmaster.pid > 0) || stampOf(postmaster.pid) === undefined) return;
  const users = await partsLeft(cluster, identity);
  if (users === undefined) return;
  if (users.length > 0) {
    throw new RaeError('RAE_DATA_DIR_UNUSABLE', `the data of Postgres in ${cluster} is in use by process ${users[0]}`, {
      hint: 'stop that process, or name another folder with --data DIR',
    });
  }
  rmSync(join(cluster, 'postmaster.pid'), { force: true });
}
