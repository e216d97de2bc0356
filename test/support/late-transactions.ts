import pg from 'pg';

/** Transactions on sessions of their own, some of which are left open and committed after later ones, or undone. */
export class LateTransactions {
  readonly #url: string;
  readonly #name: string;
  readonly #open: { readonly client: pg.Client; readonly count: number }[] = [];
  /** How many rows are committed. */
  written = 0;
  /** How many of them were committed after later ones. */
  late = 0;

  /** @param name of the sessions, as the server lists them */
  constructor(url: string, name: string) {
    this.#url = url;
    this.#name = name;
  }

  /** A session in a transaction; to be left open or committed. */
  async begin(): Promise<pg.Client> {
    const client = new pg.Client({ connectionString: this.#url, application_name: this.#name });
    client.on('error', () => undefined);
    await client.connect();
    await client.query('begin');
    return client;
  }

  /** Leaves it open with the rows it has written. */
  leave(client: pg.Client, count: number): void {
    this.#open.push({ client, count });
  }

  /** Commits it, does `after` outside of it, and ends the session. */
  async commit(client: pg.Client, count: number, after: () => Promise<void> = async () => undefined): Promise<void> {
    await client.query('commit');
    await after();
    await client.end();
    this.written += count;
  }

  /** Where more than `most` are open, commits or undoes the oldest. */
  async closeBeyond(most: number, commits: () => boolean): Promise<void> {
    if (this.#open.length > most) await this.#close(commits());
  }

  /** Commits what is still open. */
  async finish(): Promise<void> {
    while (this.#open.length > 0) await this.#close(true);
  }

  async #close(commits: boolean): Promise<void> {
    const oldest = this.#open.shift();
    await oldest?.client.query(commits ? 'commit' : 'rollback');
    await oldest?.client.end();
    if (!commits || oldest === undefined) return;
    this.written += oldest.count;
    this.late += oldest.count;
  }
}
