import { messageOf } from '../kernel/errors.ts';
import type { AnyEvent, EventName, Payload } from './catalogue.ts';

type Subscriber = (event: AnyEvent) => unknown;
type Match<Name extends EventName> = Partial<Payload<Name>> | ((payload: Payload<Name>) => boolean);

const NOBODY: readonly Subscriber[] = [];
/** How many of the latest events a time-out lists. */
const SHOWN = 30;

function matches<Name extends EventName>(payload: Payload<Name>, match: Match<Name>): boolean {
  if (typeof match === 'function') return match(payload);
  return Object.entries(match).every(([field, value]) => Object.is(Reflect.get(payload, field), value));
}

function describe(count: number, latest: readonly string[]): string {
  if (count === 0) return 'no event came meanwhile';
  return `${count} others came meanwhile, the latest last:${latest.map((line) => `\n  ${line}`).join('')}`;
}

/**
 * Where the parts of a process say what happened, and where log, metrics and tests listen. Subscribers are called at
 * once, in the order they subscribed. One that throws breaks neither the emitter nor the others.
 */
export class Events {
  readonly #byName = new Map<EventName | '*', readonly Subscriber[]>();

  emit<Name extends EventName>(name: Name, payload: Payload<Name>): void {
    const event = { name, payload } as unknown as AnyEvent;
    // Lists are never changed in place, so that whoever comes or goes while an event is told does so from the next one on.
    for (const tell of this.#byName.get(name) ?? NOBODY) this.#tell(tell, event);
    for (const tell of this.#byName.get('*') ?? NOBODY) this.#tell(tell, event);
  }

  /** Calls `tell` for every event of that name, or with name and payload for every event. Returns how to stop it. */
  on(name: '*', tell: (event: AnyEvent) => void): () => void;
  on<Name extends EventName>(name: Name, tell: (payload: Payload<Name>) => void): () => void;
  on(name: EventName | '*', tell: (told: never) => void): () => void {
    const subscriber: Subscriber =
      name === '*' ? (event) => tell(event as never) : ({ payload }) => tell(payload as never);
    this.#byName.set(name, [...(this.#byName.get(name) ?? NOBODY), subscriber]);
    return () => {
      this.#byName.set(
        name,
        (this.#byName.get(name) ?? NOBODY).filter((one) => one !== subscriber),
      );
    };
  }

  /**
   * The payload of the next event of that name, from now on, whose fields are those of `match` (or for which it is
   * true). What tests wait with, instead of sleeping.
   * @throws Error after `timeoutMs` (default 10 s), with the events that came instead.
   */
  next<Name extends EventName>(name: Name, match: Match<Name> = {}, timeoutMs = 10_000): Promise<Payload<Name>> {
    // Made here and not in the timer, so that its stack names the test that waits.
    const late = new Error(
      `no ${name} that matches ${typeof match === 'function' ? 'the function' : JSON.stringify(match)}`,
    );
    return new Promise((resolve, reject) => {
      let count = 0;
      const latest: string[] = [];
      const timer = setTimeout(() => {
        stop();
        late.message += ` within ${timeoutMs} ms; ${describe(count, latest)}`;
        reject(late);
      }, timeoutMs);
      const stop = this.on('*', (event) => {
        count += 1;
        if (latest.push(`${event.name} ${JSON.stringify(event.payload)}`) > SHOWN) latest.shift();
        if (event.name !== name || !matches(event.payload as Payload<Name>, match)) return;
        stop();
        clearTimeout(timer);
        resolve(event.payload as Payload<Name>);
      });
    });
  }

  #tell(tell: Subscriber, event: AnyEvent): void {
    try {
      const result = tell(event);
      // A subscriber may be an async function: its rejection must not end the process as unhandled.
      if (result instanceof Promise) result.catch((error) => this.#failed(event, error));
    } catch (error) {
      this.#failed(event, error);
    }
  }

  #failed({ name }: AnyEvent, error: unknown): void {
    // The report itself is not reported on, else a subscriber that always throws would never end.
    if (name !== 'observer.failed') this.emit('observer.failed', { during: name, message: messageOf(error) });
  }
}
