import { existsSync, rmSync, writeFileSync } from 'node:fs';
import { RaeError } from '../kernel/errors.ts';
import { type DataDir, OURS } from './data-dir.ts';
import { dropPlace, knownPlace } from './place.ts';
import { clusterFolder } from './postgres-cluster.ts';
import { discard } from './publish.ts';
import { redisFolder } from './redis-server.ts';
import type { Purpose } from './service.ts';

/** The file that says: the data is a test's, may be torn, and is removed by whoever comes next. */
const DISPOSABLE = 'disposable';

function erase(dir: DataDir, files: readonly string[]): void {
  const place = { folder: knownPlace(dir) };
  for (const folder of [clusterFolder(place), redisFolder(place)]) discard(folder);
  dropPlace(dir);
  for (const name of files) rmSync(dir.file(name), { force: true });
}

const SECRETS = ['postgres.password', DISPOSABLE];
const LOGS = ['postgres.log', 'redis.log'];

/** Removes everything the servers kept, wherever it lies. They must not run. */
export function eraseData(dir: DataDir): void {
  erase(dir, [...SECRETS, ...LOGS, OURS]);
}

/** Removes a test's data after a start that failed; the logs, which tell why, stay. */
export function eraseIfDisposable(dir: DataDir): void {
  if (existsSync(dir.file(DISPOSABLE))) erase(dir, SECRETS);
}

/**
 * Sees to it that a test's data is never taken for data to keep, nor the other way round. Servers must not run.
 * @throws RaeError `RAE_DATA_DIR_UNUSABLE` when a test would remove data that is to be kept.
 */
export function settlePurpose(dir: DataDir, purpose: Purpose): void {
  if (existsSync(dir.file(DISPOSABLE))) eraseData(dir);
  if (purpose === 'keep') return;
  if (existsSync(clusterFolder({ folder: knownPlace(dir) }))) {
    throw new RaeError('RAE_DATA_DIR_UNUSABLE', `${dir.path} holds data that is to be kept; a test would remove it`, {
      hint: 'give the test a folder of its own',
    });
  }
  writeFileSync(dir.file(DISPOSABLE), '');
}
