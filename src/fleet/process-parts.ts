import type { Config } from '../config/config.ts';
import type { Schema } from '../db/schema.ts';
import type { Clock } from '../kernel/clock.ts';
import type { Events } from '../observe/events.ts';
import type { Catalogue } from './catalogue.ts';

/** What every service process is handed by its composition root. */
export interface ProcessParts {
  readonly config: Config;
  readonly events: Events;
  readonly clock: Clock;
  readonly catalogue: Catalogue;
  /** What the database must hold. */
  readonly schema: Schema;
}
