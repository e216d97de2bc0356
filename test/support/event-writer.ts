import type { TestDatabase } from './database.ts';
import { LateTransactions } from './late-transactions.ts';
import type { Random } from './random.ts';

/** Writes events as API servers do: each transaction on a session of its own, some of them left open for a while. */
export class EventWriter {
  readonly #database: TestDatabase;
  readonly #random: Random;
  readonly #transactions: LateTransactions;

  constructor(database: TestDatabase, random: Random) {
    this.#database = database;
    this.#random = random;
    this.#transactions = new LateTransactions(database.url('rae_api'), 'event writer');
  }

  /** How many events are committed. */
  get written(): number {
    return this.#transactions.written;
  }

  /** How many of them were committed after later ones. */
  get late(): number {
    return this.#transactions.late;
  }

  /** Writes a few events of the tenant in one transaction; every third stays open, and is committed or undone later. */
  async write(tenantId: string): Promise<void> {
    const client = await this.#transactions.begin();
    await client.query('select public.rae_enter_tenant($1)', [tenantId]);
    const count = 1 + this.#random.below(6);
    for (let n = 0; n < count; n += 1) {
      await client.query("select public.rae_emit_event('custom.thing', jsonb_build_object('n', $1::int))", [
        this.#random.below(5),
      ]);
    }
    if (this.#random.below(3) === 0) this.#transactions.leave(client, count);
    else await this.#transactions.commit(client, count);
    await this.#transactions.closeBeyond(5, () => this.#random.below(4) > 0);
  }

  /** Writes so many events of each of the tenants in one transaction of the superuser. */
  async writeMany(tenants: readonly string[], each: number): Promise<void> {
    await this.#database.admin(
      `insert into public.events (tenant_id, event_type, payload)
         select t.id, 'custom.thing', jsonb_build_object('n', (hashtext(t.id::text) + n * 7) % 5)
           from generate_series(1, $2::int) n, unnest($1::uuid[]) t (id)`,
      [tenants, each],
    );
    this.#transactions.written += tenants.length * each;
  }

  /** Commits what is still open. */
  async finish(): Promise<void> {
    await this.#transactions.finish();
  }
}
