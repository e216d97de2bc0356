import type { Exception } from './rules/finding.ts';

/** Files that may read the clock or set a timer themselves; everything else is handed a Clock. */
export const TIME: readonly Exception[] = [{ path: 'src/kernel/clock.ts', because: 'it is the clock' }];

/** Files outside src/db whose code holds SQL. */
export const SQL_IN_CODE: readonly Exception[] = [];

/** SQL files that change their role. */
export const SET_ROLE: readonly Exception[] = [
  { path: 'src/db/migrate.sql', because: 'what a migration makes must belong to rae_owner, whoever runs it' },
];
