import type { DataDir } from './data-dir.ts';
import type { Place } from './place.ts';
import type { Env, Purpose } from './service.ts';

/** What starting a server needs; the same for Postgres and Redis. */
export interface StartRequest {
  readonly dir: DataDir;
  readonly place: Place;
  readonly purpose: Purpose;
  readonly env: Env;
  /** The folder for unpacked programs; asked for only where one is needed. */
  readonly cache: () => Promise<string>;
  /** Tells people what happens. */
  readonly say: (line: string) => void;
}
