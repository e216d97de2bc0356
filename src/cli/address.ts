import { resolve } from 'node:path';
import type { Config } from '../config/config.ts';
import type { Variables } from '../config/given.ts';
import { RaeError } from '../kernel/errors.ts';
import { readFleetFile } from './fleet-file.ts';
import { lastDataDir } from './last-fleet.ts';
import { readMasterKeys } from './master-key-file.ts';

/** Whose rights a command uses. `owner` is whoever may migrate; it acts as the login it is. */
export type ActAs = 'owner' | 'rae_operator' | 'rae_api' | 'rae_scheduler' | 'rae_worker';

/** How to reach a fleet. */
export interface FleetAddress {
  /** How it was found, in words that follow "from". */
  readonly from: string;
  /** The address of the control database for `role`: direct, since commands set a role for their session. */
  url(role: ActAs): string;
  /** The address that services use, where that is another: through a pooler. */
  readonly pooledUrl: string | undefined;
  /** One login for every role, as RAE_DATABASE_URL is; else each role has its own. */
  readonly hasOneLogin: boolean;
  readonly shards: Readonly<Record<string, string>>;
  readonly redisUrl: string | undefined;
  /** The master keys that `rae up` keeps for its fleet; undefined where only the environment could give them. */
  readonly masterKeys: string | undefined;
}

/** What a command knows about where to look. */
export interface Whereabouts {
  readonly config: Config;
  /** `--data`, as given. */
  readonly data: string | undefined;
  readonly env: Variables;
}

/**
 * Finds the fleet: RAE_DATABASE_URL, else the one that `rae up` runs in `--data DIR`, RAE_DATA or the last used folder.
 * @throws RaeError `RAE_NO_FLEET` with the ways out.
 */
export function findFleet({ config, data, env }: Whereabouts): FleetAddress {
  const { databaseUrl, databaseDirectUrl: directUrl } = config;
  const direct = directUrl ?? databaseUrl;
  if (direct !== undefined) {
    return {
      from: directUrl === undefined ? 'RAE_DATABASE_URL' : 'RAE_DATABASE_DIRECT_URL',
      url: () => direct,
      pooledUrl: databaseUrl === direct ? undefined : databaseUrl,
      hasOneLogin: true,
      shards: config.shards,
      redisUrl: config.redisUrl,
      masterKeys: undefined,
    };
  }
  const asked = data ?? config.data;
  const dir = asked === undefined ? lastDataDir(env) : resolve(asked);
  if (dir === undefined) throw noFleet('no database was named, and rae up was never run here');
  const file = readFleetFile(dir);
  if (file === undefined) throw noFleet(`no fleet was started in ${dir}`);
  if (!isAlive(file.pid)) throw noFleet(`the fleet in ${dir} does not run any more`);
  const { owner, scheduler, worker, api, operator } = file.urls;
  const urls = { owner, rae_scheduler: scheduler, rae_worker: worker, rae_api: api, rae_operator: operator };
  return {
    from: dir,
    url: (role) => urls[role],
    pooledUrl: undefined,
    hasOneLogin: false,
    shards: {},
    redisUrl: file.redisUrl,
    masterKeys: readMasterKeys(dir),
  };
}

function noFleet(message: string): RaeError {
  return new RaeError('RAE_NO_FLEET', message, {
    hint: 'start one with: rae up [--data DIR], or set RAE_DATABASE_URL and RAE_REDIS_URL',
  });
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // It runs, but as somebody else.
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
