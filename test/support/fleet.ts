import { fileURLToPath } from 'node:url';
import type { TestDatabase } from './database.ts';
import { startProgram, type TestProcess } from './processes.ts';

const CHECKOUT = new URL('../../.build/', import.meta.url);

/** Seconds that the leases of test fleets last: the shortest there is, since tests wait for them to run out. */
export const LEASE_SECONDS = 2;

const SETTINGS: Readonly<Record<string, string>> = {
  RAE_LEASE_SECONDS: String(LEASE_SECONDS),
  RAE_LOG_FORMAT: 'json',
  RAE_LOG_LEVEL: 'debug',
  RAE_PG_POOL: '4',
  RAE_DRAIN_SECONDS: '5',
  RAE_RETRY_BASE_MS: '200',
};

/** What a fleet of real processes stands on. */
export interface FleetOptions {
  readonly database: Pick<TestDatabase, 'url'>;
  readonly redisUrl: string;
  /** The folder of the build to run; default: that of this checkout. */
  readonly build?: URL;
  /** Settings of every process. */
  readonly env?: Readonly<Record<string, string>>;
}

/** Starts the processes of one fleet, as separate as in production. */
export class TestFleet {
  readonly #options: FleetOptions;

  constructor(options: FleetOptions) {
    this.#options = options;
  }

  /** The command line and the environment of a scheduler, for whoever starts it in another way. */
  command(
    kind: 'scheduler' | 'worker' | 'api',
    names: readonly string[] = [],
    env: Readonly<Record<string, string>> = {},
  ): { readonly args: readonly string[]; readonly env: Readonly<Record<string, string>> } {
    const { database, redisUrl, build = CHECKOUT } = this.#options;
    return {
      args: [fileURLToPath(new URL('src/main/rae.js', build)), kind, ...names],
      env: {
        ...SETTINGS,
        RAE_DATABASE_URL: database.url(`rae_${kind}`),
        RAE_REDIS_URL: redisUrl,
        ...this.#options.env,
        ...env,
      },
    };
  }

  scheduler(env: Readonly<Record<string, string>> = {}): TestProcess {
    return this.#start('scheduler', [], env);
  }

  /** On any free port. */
  api(env: Readonly<Record<string, string>> = {}): TestProcess {
    const operators = { RAE_OPERATOR_DATABASE_URL: this.#options.database.url('rae_operator') };
    return this.#start('api', [], { RAE_HTTP_PORT: '0', ...operators, ...env });
  }

  worker(names: readonly string[] = ['decay'], env: Readonly<Record<string, string>> = {}): TestProcess {
    return this.#start('worker', names, env);
  }

  #start(...parts: Parameters<TestFleet['command']>): TestProcess {
    const { args, env } = this.command(...parts);
    return startProgram(process.execPath, args, { env });
  }
}

/** Waits until the processes have begun their work. */
export async function ready(...processes: readonly TestProcess[]): Promise<void> {
  await Promise.all(processes.map((one) => one.event('service.ready')));
}
