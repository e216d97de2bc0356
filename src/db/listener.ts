import pg from 'pg';
import { messageOf } from '../kernel/errors.ts';

/** What is listened for, and who is told. */
export interface ListenerOptions {
  /** Direct: a pooler in transaction mode passes no notifications on. */
  readonly url: string;
  readonly applicationName: string;
  readonly channel: string;
  /** Called with the payload of every notification, and with '' after every new connection: some may have been missed meanwhile. */
  readonly heard: (payload: string) => void;
  readonly onDisconnect: (message: string) => void;
}

const FIRST_PAUSE_MS = 250;
const LONGEST_PAUSE_MS = 5_000;

/** Hears NOTIFY on one channel over a connection of its own, which it makes anew whenever it breaks. */
export class Listener {
  readonly #options: ListenerOptions;
  #client: pg.Client | undefined;
  #timer: NodeJS.Timeout | undefined;
  #pauseMs = FIRST_PAUSE_MS;
  #stopped = false;

  constructor(options: ListenerOptions) {
    this.#options = options;
  }

  /** Begins to listen; a server that is away is tried again until it is there. */
  async start(): Promise<void> {
    const { url, applicationName, channel, heard } = this.#options;
    const client = new pg.Client({ connectionString: url, application_name: applicationName, keepAlive: true });
    this.#client = client;
    let failed = false;
    const again = (error?: Error) => {
      if (failed || this.#stopped) return;
      failed = true;
      this.#again(error === undefined ? 'the connection was closed' : messageOf(error));
    };
    client.on('error', again);
    client.on('end', () => again());
    client.on('notification', ({ payload }) => heard(payload ?? ''));
    try {
      await client.connect();
      await client.query(`listen ${client.escapeIdentifier(channel)}`);
      this.#pauseMs = FIRST_PAUSE_MS;
      heard('');
    } catch (error) {
      again(error instanceof Error ? error : new Error(String(error)));
      await client.end().catch(() => undefined);
    }
  }

  /** Ends the connection. Idempotent. */
  async stop(): Promise<void> {
    this.#stopped = true;
    clearTimeout(this.#timer);
    await this.#client?.end().catch(() => undefined);
  }

  #again(message: string): void {
    this.#options.onDisconnect(message);
    this.#timer = setTimeout(() => void this.start(), this.#pauseMs);
    this.#pauseMs = Math.min(2 * this.#pauseMs, LONGEST_PAUSE_MS);
  }
}
