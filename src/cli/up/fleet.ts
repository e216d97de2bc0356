import { realpathSync } from 'node:fs';
import { join } from 'node:path';
import type { Config } from '../../config/config.ts';
import { inheritedEnvironment } from '../../config/inherited.ts';
import { Database } from '../../db/database.ts';
import { migrate } from '../../db/migrate.ts';
import type { Schema } from '../../db/schema.ts';
import { Shards } from '../../db/shards.ts';
import { TenantContext } from '../../db/tenant-context.ts';
import { resolveServices, type Services } from '../../embedded/services.ts';
import type { Catalogue } from '../../fleet/catalogue.ts';
import type { Clock } from '../../kernel/clock.ts';
import { tryRedis } from '../../redis/admission.ts';
import { makeMasterKey, masterKeyFile } from '../master-key-file.ts';
import { type ChildPlan, Children } from './children.ts';
import { makeLogins, type ServiceRole } from './logins.ts';

/** What a fleet on this machine is made with. */
export interface FleetPorts {
  readonly config: Config;
  readonly catalogue: Catalogue;
  readonly schema: Schema;
  readonly clock: Clock;
  /** The compiled `rae`, which the processes run. */
  readonly program: string;
  /** Lines for people about what happens. */
  readonly say: (line: string) => void;
}

/** How to reach a fleet, each role by its own login. */
export type FleetUrls = Readonly<Record<ServiceRole | 'owner', string>>;

/** A whole fleet on one machine: services, schema, logins and processes, started in that order and ended in the other. */
export class LocalFleet {
  readonly #ports: FleetPorts;
  readonly #services: Services;
  readonly #databases: Database[] = [];
  readonly #children: Children;
  /** The file of the master key, where the environment gives none. */
  readonly #ownKeys: Readonly<Record<string, string>>;
  readonly urls: FleetUrls;

  private constructor(
    ports: FleetPorts,
    services: Services,
    urls: FleetUrls,
    children: Children,
    ownKeys: Readonly<Record<string, string>>,
  ) {
    this.#ports = ports;
    this.#ownKeys = ownKeys;
    this.#services = services;
    this.#children = children;
    this.urls = urls;
  }

  /**
   * Finds or starts Postgres and Redis, migrates, and makes the logins of the processes.
   * @throws RaeError with nothing left running.
   */
  static async open(
    ports: FleetPorts,
    dataDir: string,
    onCrash: (name: string, how: string) => void,
  ): Promise<LocalFleet> {
    const { config, clock, program, say } = ports;
    const postgresUrl = config.databaseDirectUrl ?? config.databaseUrl;
    const services = await resolveServices({
      dataDir,
      purpose: 'keep',
      env: inheritedEnvironment({}),
      say,
      ...(postgresUrl === undefined ? {} : { postgresUrl }),
      ...(config.redisUrl === undefined ? {} : { redisUrl: config.redisUrl }),
    });
    const owner = services.postgres.url;
    // A migration may take long; it has no lease to outlive.
    const admin = new Database({
      url: owner,
      applicationName: 'rae up',
      poolSize: 1,
      statementTimeoutMs: 0,
      prepared: true,
    });
    try {
      // First of all: a Redis that the processes will refuse must not leave a database half made.
      await tryRedis(services.redis.url);
      const { migrations } = await migrate(admin, ports.schema);
      if (migrations.length > 0) say(`schema: ${migrations.length} migrations applied`);
      const urls = { owner, ...(await makeLogins(admin, owner, realpathSync(dataDir))) };
      const children = new Children({ program, clock, onCrash, logDir: join(dataDir, 'logs') });
      const ownKeys = config.masterKeys === undefined ? { RAE_MASTER_KEYS_FILE: masterKeyFile(dataDir) } : {};
      if (config.masterKeys === undefined) makeMasterKey(dataDir);
      return new LocalFleet(ports, services, urls, children, ownKeys);
    } catch (error) {
      await services.stop();
      throw error;
    } finally {
      await admin.close();
    }
  }

  get services(): Pick<Services, 'postgres' | 'redis'> {
    return this.#services;
  }

  /** Ports of the processes' /healthz, /readyz and /metrics. */
  get ports(): Readonly<Record<string, number>> {
    return this.#children.ports;
  }

  /** The address of the API. */
  get apiUrl(): string {
    return `http://127.0.0.1:${this.#children.served.api ?? 0}`;
  }

  /** A connection as the operator. */
  operator(): Database {
    return this.#open('operator', 2);
  }

  /** The tenants' data as the API reaches it. */
  tenants(): TenantContext {
    return new TenantContext(new Shards(new Map([['main', this.#open('api', 4)]])));
  }

  /** Starts a scheduler, the API and a process for each worker; resolves when all are ready. @param settings what they are told besides. */
  async startProcesses(settings: Readonly<Record<string, string>> = {}): Promise<void> {
    const plan = (name: string, role: ServiceRole, args: readonly string[]) => this.#plan(name, role, args, settings);
    const workers = this.#ports.catalogue.names.map((name) => plan(`worker ${name}`, 'worker', ['worker', name]));
    // Somebody else's port must not keep a first look from starting.
    const operators = { ...settings, RAE_OPERATOR_DATABASE_URL: this.urls.operator };
    const api = this.#plan('api', 'api', ['api', '--else-any-port'], operators);
    await this.#children.start([plan('scheduler', 'scheduler', ['scheduler']), api, ...workers]);
  }

  /** Drains the processes, then ends the services. @param force kill the processes instead. */
  async close(force = false): Promise<void> {
    await this.#children.stop(force);
    await Promise.all(this.#databases.map((database) => database.close()));
    await this.#services.stop();
  }

  #open(role: ServiceRole, poolSize: number): Database {
    const { statementTimeoutMs } = this.#ports.config;
    const database = new Database({
      url: this.urls[role],
      applicationName: `rae up ${role}`,
      poolSize,
      statementTimeoutMs,
      prepared: true,
    });
    this.#databases.push(database);
    return database;
  }

  #plan(
    name: string,
    role: ServiceRole,
    args: readonly string[],
    settings: Readonly<Record<string, string>>,
  ): ChildPlan {
    const env = inheritedEnvironment({
      RAE_DATABASE_URL: this.urls[role],
      RAE_REDIS_URL: this.#services.redis.url,
      RAE_METRICS_PORT: '0',
      RAE_LOG_FORMAT: 'json',
      ...settings,
      ...this.#ownKeys,
    });
    return { name, args, env };
  }
}
