import type { OwnRedis } from './own-redis.ts';
import { RedisMonitor } from './redis-monitor.ts';
import { putByHand } from './tickets.ts';

const ENTRY = /^bull:\{?([^}:]+)\}?:[^:]+$/;

/** Sees every ticket that is put into any queue of a Redis, and has each delivered some more times. */
export class TicketCopies {
  readonly #redis: OwnRedis;
  readonly #more: number;
  #end = (): void => undefined;
  #seen = 0;
  #copies = 0;

  /** @param more how often each is delivered besides. */
  constructor(redis: OwnRedis, more: number) {
    this.#redis = redis;
    this.#more = more;
  }

  /** Tickets that were put in so far by the fleet itself. */
  get seen(): number {
    return this.#seen;
  }

  /** Copies of them that were put in besides. */
  get copies(): number {
    return this.#copies;
  }

  /** Begins, and begins again after that Redis was started anew. */
  async listen(): Promise<void> {
    this.end();
    const writer = this.#redis.client();
    writer.on('error', () => undefined);
    const monitor = new RedisMonitor(this.#redis.url, ({ inScript, name, args }) => {
      const [key = '', ...fields] = args;
      const queue = ENTRY.exec(key)?.[1];
      const at = fields.indexOf('data');
      // What a script writes is the fleet's; the copies are written without one.
      if (!inScript || !/^hm?set$/.test(name) || queue === undefined || at < 0) return;
      this.#seen += 1;
      const entry = { queue, fields: { name: 'ticket', data: fields[at + 1] ?? '', opts: '{}', timestamp: '1' } };
      const entries = Array.from({ length: this.#more }, () => entry);
      void putByHand(writer, entries).then(
        () => {
          this.#copies += this.#more;
        },
        // Redis was killed just now, and the ticket went with it.
        () => undefined,
      );
    });
    this.#end = () => {
      monitor.end();
      writer.disconnect();
    };
    await monitor.ready();
  }

  end(): void {
    this.#end();
  }
}
