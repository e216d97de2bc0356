import { randomBytes } from 'node:crypto';
import { rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { migrate } from '../../src/db/migrate.ts';
import { takeDataDir } from '../../src/embedded/data-dir.ts';
import { eraseData } from '../../src/embedded/disposal.ts';
import { resolveServices, type Services } from '../../src/embedded/services.ts';
import { TestDatabase } from './database.ts';
import { eventually } from './eventually.ts';
import { fleetSchema } from './fleet-schema.ts';
import { createLogins } from './login-role.ts';
import { Relay } from './relay.ts';
import { connected } from './server.ts';

/** A Postgres of this file alone, which keeps its data, to be stopped in the middle. It comes back at the same address. */
export class OwnPostgres {
  readonly #folder = fileURLToPath(new URL(`../../.rae/test-stopped-${process.pid}`, import.meta.url));
  readonly #relay = new Relay();
  readonly #redisUrl: string;
  readonly #prefix = `rae_own_${randomBytes(3).toString('hex')}`;
  #services: Services | undefined;
  #database: TestDatabase | undefined;

  /** @param redisUrl a Redis that is there, since only Postgres is to be started. */
  constructor(redisUrl: string) {
    this.#redisUrl = redisUrl;
  }

  /** The migrated database of the test. */
  get database(): TestDatabase {
    if (this.#database === undefined) throw new Error('the server was not started');
    return this.#database;
  }

  /** Starts it with the data it has; the first time makes the database and the logins. */
  async start(): Promise<void> {
    this.#services = await resolveServices({
      dataDir: this.#folder,
      purpose: 'keep',
      redisUrl: this.#redisUrl,
      env: process.env,
      say: (line) => process.stdout.write(`${line}\n`),
    });
    const { url } = this.#services.postgres;
    if (this.#database !== undefined) {
      this.#relay.inFrontOf(url);
      return;
    }
    await this.#relay.open();
    const adminUrl = this.#relay.inFrontOf(url);
    const password = randomBytes(12).toString('hex');
    await connected(adminUrl, (client) => client.query('create database fleet template template0'));
    const services = { adminUrl, redisUrl: this.#redisUrl, prefix: this.#prefix, password, template: 'template0' };
    this.#database = new TestDatabase(services, 'fleet');
    await migrate(this.#database.open('admin'), await fleetSchema());
    await connected(adminUrl, (client) => createLogins(client, this.#prefix, password));
  }

  /** Stops it as `pg_ctl stop -m immediate` does: no checkpoint, so that the next start has to recover. */
  async stopAtOnce(): Promise<void> {
    const [file] = await this.database.admin<{ text: string }>("select pg_read_file('postmaster.pid') as text");
    const pid = Number(file?.text.split('\n')[0]);
    process.kill(pid, 'SIGQUIT');
    const gone = () => {
      try {
        process.kill(pid, 0);
        return undefined;
      } catch {
        return true;
      }
    };
    await eventually(gone, { what: 'the server to be gone' });
    await this.#services?.stop();
  }

  /** Ends it and removes its data. */
  async remove(): Promise<void> {
    try {
      await this.#database?.close();
    } finally {
      await this.#services?.stop();
      await this.#relay.close();
      const dir = takeDataDir(this.#folder);
      eraseData(dir);
      dir.release();
      rmSync(this.#folder, { recursive: true, force: true });
    }
  }
}
