import { type Config, type LoadedConfig, loadConfig } from '../config/config.ts';
import { inheritedEnvironment } from '../config/inherited.ts';
import type { Schema } from '../db/schema.ts';
import type { Catalogue } from '../fleet/catalogue.ts';
import type { Clock } from '../kernel/clock.ts';
import { RaeError } from '../kernel/errors.ts';
import { type FleetAddress, findFleet } from './address.ts';
import { Connection } from './connection.ts';
import type { Output } from './output.ts';
import { Remote } from './remote.ts';

/** What `main` hands to every command. */
export interface CliPorts {
  readonly clock: Clock;
  readonly loadCatalogue: () => Promise<Catalogue>;
  readonly schemaOf: (catalogue: Catalogue) => Schema;
}

/** What was typed, read. */
export interface Typed {
  readonly args: readonly unknown[];
  readonly options: Readonly<Record<string, unknown>>;
}

/** One call of a command: what was typed, and what commands work with, each made at first use. */
export class Call {
  readonly out: Output;
  readonly ports: CliPorts;
  readonly #typed: Typed;
  #loaded: LoadedConfig | undefined;
  #catalogue: Promise<Catalogue> | undefined;
  readonly #overApi: boolean;
  #connection: Connection | undefined;
  #remote: Remote | undefined;

  /** @param overApi the command works over the API too. */
  constructor(typed: Typed, out: Output, ports: CliPorts, overApi = false) {
    this.#typed = typed;
    this.out = out;
    this.ports = ports;
    this.#overApi = overApi;
  }

  /** The options by their names in camel case, as the command declares them. */
  options<T extends object>(): T {
    const { options } = this.#typed;
    const tenant = options.tenant ?? this.remote?.tenantId;
    return (tenant === undefined ? options : { ...options, tenant }) as T;
  }

  /** The arguments in their order, as the command declares them. */
  args<T extends readonly unknown[]>(): T {
    return this.#typed.args as unknown as T;
  }

  /** True where one JSON document is wanted. */
  get json(): boolean {
    return this.#typed.options.json === true;
  }

  /** `--data`, as given. */
  get data(): string | undefined {
    return this.#typed.options.data as string | undefined;
  }

  /** The environment, read once; its warnings go to standard error. @throws RaeError `RAE_CONFIG_INVALID` */
  get config(): Config {
    if (this.#loaded === undefined) {
      this.#loaded = loadConfig();
      for (const warning of this.#loaded.warnings) this.warn(warning);
    }
    return this.#loaded.config;
  }

  /** The API, where commands are to ask that and this one can. */
  get remote(): Remote | undefined {
    if (!this.#overApi) return undefined;
    const { apiUrl, apiKey } = this.config;
    if (apiUrl === undefined || apiKey === undefined) return undefined;
    this.#remote ??= new Remote(apiUrl, apiKey);
    return this.#remote;
  }

  /** Says something that does not stop the command. */
  warn(message: string): void {
    this.out.say(`${this.out.sayingStyle('warning:', 'warn')} ${message}`);
  }

  /** Every worker there is. */
  get catalogue(): Promise<Catalogue> {
    this.#catalogue ??= this.ports.loadCatalogue();
    return this.#catalogue;
  }

  /** Where the fleet is. @throws RaeError `RAE_NO_FLEET`; `RAE_REFUSED` where only an API is named. */
  get address(): FleetAddress {
    const { config, data } = this;
    if (config.apiUrl !== undefined && config.databaseUrl === undefined && data === undefined) {
      throw new RaeError('RAE_REFUSED', 'this works on the database alone, and RAE_API_URL names an API', {
        hint: 'set RAE_DATABASE_URL or give --data, where the database can be reached',
      });
    }
    if (data !== undefined && config.databaseUrl !== undefined) {
      this.warn('RAE_DATABASE_URL is set and says which fleet is meant: --data is not used');
    }
    return findFleet({ config, data, env: inheritedEnvironment({}) });
  }

  /** The fleet's databases; closed when the command has ended. @throws RaeError `RAE_NO_FLEET` */
  get connection(): Connection {
    const { schemaOf } = this.ports;
    this.#connection ??= new Connection(this.address, async () => schemaOf(await this.catalogue));
    return this.#connection;
  }

  async close(): Promise<void> {
    await this.#connection?.close();
  }
}
