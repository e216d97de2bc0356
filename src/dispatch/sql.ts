import { loadFunctions } from '../db/function-set.ts';
import { loadStatements } from '../db/statement.ts';

/** The dispatcher's functions, for `rae migrate`. */
export const dispatchFunctions = loadFunctions(new URL('./functions.sql', import.meta.url));

/** The dispatcher's statements. */
export const dispatchSql = loadStatements(
  new URL('./statements.sql', import.meta.url),
  [
    'takeLease',
    'dropLease',
    'controls',
    'sleep',
    'admit',
    'admitRated',
    'owedPairs',
    'arrived',
    'shares',
    'inFlight',
    'dropFlights',
    'takeBack',
    'takeBackShut',
    'forgetHolds',
    'hold',
    'unhold',
    'holdQueues',
    'partitions',
  ],
  dispatchFunctions,
);
