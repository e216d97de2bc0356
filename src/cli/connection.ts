import { Database, type Queryable } from '../db/database.ts';
import type { Schema } from '../db/schema.ts';
import { schemaGap } from '../db/schema-state.ts';
import { Shards } from '../db/shards.ts';
import { TenantContext } from '../db/tenant-context.ts';
import { MINUTE } from '../kernel/duration.ts';
import { RaeError } from '../kernel/errors.ts';
import type { ActAs, FleetAddress } from './address.ts';

interface How {
  /** The URL goes through a pooler. */
  readonly pooled?: boolean;
  /** No statement ends for its time. */
  readonly patient?: boolean;
}

/** The connections of one command: opened at first use, closed when it ends. */
export class Connection {
  readonly address: FleetAddress;
  readonly #open = new Map<string, Database>();
  readonly #schema: () => Promise<Schema>;

  /** @param schema what this release expects to find. */
  constructor(address: FleetAddress, schema: () => Promise<Schema>) {
    this.address = address;
    this.#schema = schema;
  }

  /**
   * The control database with the rights of `role`. Except for the owner, who migrates, its first use
   * @throws RaeError `RAE_SCHEMA_NEWER`, `RAE_DATABASE_REFUSED` where the schema is not that of this release.
   */
  as(role: ActAs): Database {
    return this.#database('main', this.address.url(role), role);
  }

  /** The control database as the login that `role` connects with, whatever that login is. */
  login(role: ActAs): Database {
    return this.#database('main', this.address.url(role), undefined);
  }

  /** The control database by `url`, which goes through a pooler: as services reach it. */
  pooled(url: string): Database {
    return this.#database('main', url, undefined, { pooled: true });
  }

  /** Every shard by name, `main` first, with the rights of `role`. @param patient no statement ends for its time */
  shards(role: ActAs, patient = false): Shards {
    const all = { main: this.address.url(role), ...this.address.shards };
    const open = ([shard, url]: [string, string]) => [shard, this.#database(shard, url, role, { patient })] as const;
    return new Shards(new Map(Object.entries(all).map(open)));
  }

  /** The way to tenant data, one tenant at a time, with the rights of an API server. */
  get tenants(): TenantContext {
    return new TenantContext(this.shards('rae_api'));
  }

  /** As `tenants`, on the control database alone: for the fleet's own log. */
  get control(): TenantContext {
    return new TenantContext(new Shards(new Map([['main', this.as('rae_api')]])));
  }

  /** As `tenants`, for what takes as long as it takes: no statement of it ends for its time. */
  get transfers(): TenantContext {
    return new TenantContext(this.shards('rae_api', true));
  }

  async close(): Promise<void> {
    await Promise.all([...this.#open.values()].map((database) => database.close()));
  }

  #database(shard: string, url: string, role: ActAs | undefined, how: How = {}): Database {
    const { pooled = false, patient = false } = how;
    const key = `${shard} ${role ?? url}${patient ? ' patient' : ''}`;
    const known = this.#open.get(key);
    if (known !== undefined) return known;
    const made = new Database({
      url,
      applicationName: 'rae cli',
      poolSize: 4,
      // A migration takes as long as it takes.
      statementTimeoutMs: role === 'owner' || patient ? 0 : MINUTE,
      prepared: false,
      pooled,
      ...(role === 'owner' || role === undefined ? {} : { role, admit: (first: Queryable) => this.#admit(first) }),
    });
    this.#open.set(key, made);
    return made;
  }

  async #admit(database: Queryable): Promise<void> {
    const { migrations, functions } = await schemaGap(database, await this.#schema());
    if (migrations.length + functions.length === 0) return;
    const missing = `migrations ${migrations.length}, functions ${functions.length}`;
    throw new RaeError('RAE_DATABASE_REFUSED', `the schema is behind this release (missing: ${missing})`, {
      hint: 'bring it up to date with: rae migrate',
    });
  }
}
