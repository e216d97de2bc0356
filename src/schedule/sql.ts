import { loadFunctions } from '../db/function-set.ts';
import { loadStatements } from '../db/statement.ts';

/** The scheduler's functions, for `rae migrate`. */
export const scheduleFunctions = loadFunctions(new URL('./functions.sql', import.meta.url));

/** The scheduler's statements. */
export const scheduleSql = loadStatements(
  new URL('./statements.sql', import.meta.url),
  [
    'planChunk',
    'dueCadence',
    'planned',
    'earlierOpen',
    'cadencesOf',
    'originate',
    'openCycles',
    'countCycle',
    'enrolMissing',
    'anyHints',
    'takeHints',
    'noteWakes',
    'oweWakes',
    'noteHints',
    'wakeIdle',
    'ensureCadence',
    'assignCadences',
    'seedPartitions',
  ],
  scheduleFunctions,
);
