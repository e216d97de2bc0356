import { randomBytes } from 'node:crypto';
import type { Queryable } from '../db/database.ts';
import { loadStatements } from '../db/statement.ts';
import type { Clock } from '../kernel/clock.ts';
import { RaeError } from '../kernel/errors.ts';
import { faultOfKeyList, readKeyList } from '../kernel/key-list.ts';
import { Keyring } from '../kernel/keyring.ts';

const sql = loadStatements(new URL('./ticket-keys.sql', import.meta.url), ['readSecret', 'makeSecret']);

const NAME = 'envelope_keys';
/** Anybody can put tickets with unknown keys into Redis: they must not become statements. */
const RENEW_MS = 10_000;

/** What the keys of tickets are taken from. */
export interface TicketKeysOptions {
  /** `id:base64` list of the environment; undefined = the fleet's own key, kept in the database. */
  readonly given: string | undefined;
  readonly database: Queryable;
  readonly clock: Clock;
}

/**
 * The keys that sign and verify tickets: those of the environment, else one that the first scheduler of a fleet makes
 * and keeps in the database. Whoever has Redis only has neither.
 */
export class TicketKeys {
  readonly #options: TicketKeysOptions;
  #ring: Keyring;
  #readAt: number | undefined;

  constructor(options: TicketKeysOptions) {
    this.#options = options;
    this.#ring = new Keyring(options.given === undefined ? [] : readKeyList(options.given));
  }

  /** The keys known now; without any before they were read. */
  get ring(): Keyring {
    return this.#ring;
  }

  /** False until a scheduler has made the fleet's key. */
  get known(): boolean {
    return this.#ring.ids.length > 0;
  }

  /** Reads the fleet's key. Does nothing where the environment gives keys. @throws where Postgres is away. */
  async read(): Promise<void> {
    const { given, database, clock } = this.#options;
    if (given !== undefined) return;
    this.#readAt = clock.monotonicMs();
    const [row] = await database.rows<{ value: string }>(sql.readSecret, [NAME]);
    if (row === undefined) return;
    const fault = faultOfKeyList(row.value);
    if (fault !== undefined) {
      throw new RaeError('RAE_DATABASE_REFUSED', `the row ${NAME} of fleet_secrets ${fault}`, {
        hint: 'remove the row and restart the schedulers: the first one makes a new key',
      });
    }
    this.#ring = new Keyring(readKeyList(row.value));
  }

  /** Reads the fleet's key, and makes it where nobody has; of several at once one makes it. Only for schedulers. */
  async make(): Promise<void> {
    const { given, database } = this.#options;
    if (given !== undefined) return;
    await this.read();
    if (this.known) return;
    const key = `fleet-${randomBytes(4).toString('hex')}:${randomBytes(32).toString('base64')}`;
    await database.rows(sql.makeSecret, [NAME, key]);
    await this.read();
  }

  /** Looks whether there are newer keys, at most once in 10 s however often it is asked. Never rejects. */
  async renew(): Promise<void> {
    if (this.#options.clock.monotonicMs() - (this.#readAt ?? Number.NEGATIVE_INFINITY) < RENEW_MS) return;
    // With Postgres away nothing could be done for the ticket anyway.
    await this.read().catch(() => undefined);
  }
}
