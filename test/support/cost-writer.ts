import type { TestDatabase } from './database.ts';
import { LateTransactions } from './late-transactions.ts';
import type { Random } from './random.ts';

/** Calls from number $2 on, $3 of them, of any of the tenants: of this month, one in twenty of an earlier time. */
const LOGS = `insert into public.cost_logs (tenant_id, project_id, model, provider, operation, input_tokens, output_tokens, total_cost_usd,
    cache_hit, cache_tokens_saved, error, "timestamp")
  select ($1::uuid[])[1 + r.a % cardinality($1::uuid[])], (array['a', 'b'])[1 + r.b % 2], (array['gpt-4o', 'gpt-4o-mini', 'nobody-knows'])[1 + r.b % 3],
         'openai', (array['query', 'embed'])[1 + r.c % 2], r.a % 5000, r.b % 900,
         case when r.c % 4 > 0 then (r.a % 100000000) / 10000000000.0 end, r.c % 9 = 0, r.b % 50, r.c % 31 = 0,
         '2026-03-10T00:00:00Z'::timestamptz + (n % 5000) * interval '10 seconds' - case when n % 20 = 0 then r.c % 900 else 0 end * interval '1 hour'
    from generate_series($2::int, $2::int + $3::int - 1) n,
         lateral (select abs(hashint8(n)) as a, abs(hashint8(n + 7919)) as b, abs(hashint8(n + 104729)) as c) r`;

const CORRECTED = `update public.cost_logs set total_cost_usd = (input_tokens % 77) / 1000000.0, "timestamp" = "timestamp" - interval '3 hours'
  where tenant_id = $1 and id in (select id from public.cost_logs where tenant_id = $1 order by id limit 5)`;
const REMOVED = `delete from public.cost_logs
  where tenant_id = $1 and id in (select id from public.cost_logs where tenant_id = $1 order by id desc limit 3)`;

/** Logs calls of many tenants; one transaction in twenty stays open, and is committed after later ones or undone. */
export class CostWriter {
  readonly #tenants: readonly string[];
  readonly #random: Random;
  readonly #transactions: LateTransactions;
  #next = 1;
  #writes = 0;

  constructor(database: TestDatabase, tenants: readonly string[], random: Random) {
    this.#tenants = tenants;
    this.#random = random;
    this.#transactions = new LateTransactions(database.url('admin'), 'cost writer');
  }

  /** How many calls are committed. */
  get written(): number {
    return this.#transactions.written;
  }

  /** How many of them were committed after later ones. */
  get late(): number {
    return this.#transactions.late;
  }

  /** Logs so many calls, corrects some and removes some that were there. */
  async write(count: number): Promise<void> {
    const client = await this.#transactions.begin();
    await client.query(LOGS, [this.#tenants, this.#next, count]);
    this.#next += count;
    this.#writes += 1;
    if (this.#writes % 20 === 7) this.#transactions.leave(client, count);
    else {
      await this.#transactions.commit(client, count, async () => {
        await client.query(CORRECTED, [this.#random.pick(this.#tenants)]);
        await client.query(REMOVED, [this.#random.pick(this.#tenants)]);
      });
    }
    await this.#transactions.closeBeyond(1, () => this.#random.below(4) > 0);
  }

  /** Commits what is still open. */
  async finish(): Promise<void> {
    await this.#transactions.finish();
  }
}
