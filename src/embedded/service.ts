/** Which way a service was had: see docs/services.md for the order they are tried in. */
export type ServiceVia = 'url' | 'container' | 'embedded' | 'path' | 'cache' | 'packages';

/** A Postgres or Redis that answers. */
export interface Service {
  readonly via: ServiceVia;
  /** Complete with user and password: never print it, print `says`. */
  readonly url: string;
  /** The server's version, or `unknown` where only a connection could tell. */
  readonly version: string;
  /** One line for people, without password. */
  readonly says: string;
}

/** A service that this process started and has to end. */
export interface StartedService extends Service {
  /** Ends it in order, within a bound. Idempotent; never rejects. */
  stop(): Promise<void>;
}

/** Named things of the caller's environment (PATH, HOME, XDG_CACHE_HOME, proxies): handed in, never read here. */
export type Env = Readonly<Record<string, string | undefined>>;

/** What the servers are for: data to be kept, or a test's, which is thrown away and therefore never flushed. */
export type Purpose = 'keep' | 'test';
