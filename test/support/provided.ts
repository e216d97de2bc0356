/** What the global setup hands to every test file of the layers that need services. */
export interface TestServices {
  /** A superuser's connection to the maintenance database of the server. */
  readonly adminUrl: string;
  /** Redis, logical database 0. */
  readonly redisUrl: string;
  /** The database that holds the whole schema and no tenant; test files get copies of it. */
  readonly template: string;
  /** Begins the name of everything this run makes on the server, so that two runs on one server never meet. */
  readonly prefix: string;
  /** Password of every login role of this run. */
  readonly password: string;
}

declare module 'vitest' {
  export interface ProvidedContext {
    services: TestServices;
  }
}
