import type { Environment, SettingName } from './environment.ts';
import type { Mistake } from './mistake.ts';

interface Rule {
  readonly settings: readonly SettingName[];
  /** What breaks the rule, or undefined when it holds. */
  readonly broken: (env: Environment) => Mistake | undefined;
}

/** Rules between settings. Each is checked only when the settings it compares are right by themselves. */
export const RULES: Readonly<Record<string, Rule>> = Object.freeze({
  // A statement that outlives its lease would be rescued while it still runs: its work is done twice and fenced off.
  statementTimeoutShorterThanLease: {
    settings: ['RAE_STATEMENT_TIMEOUT_SECONDS', 'RAE_LEASE_SECONDS'],
    broken: ({ RAE_STATEMENT_TIMEOUT_SECONDS: timeout, RAE_LEASE_SECONDS: lease }) =>
      timeout === undefined || timeout < lease
        ? undefined
        : {
            name: 'RAE_STATEMENT_TIMEOUT_SECONDS',
            what: `is ${timeout}; expected less than RAE_LEASE_SECONDS, which is ${lease}`,
          },
  },
  retryBaseNotAboveCap: {
    settings: ['RAE_RETRY_BASE_MS', 'RAE_RETRY_CAP_MS'],
    broken: ({ RAE_RETRY_BASE_MS: base, RAE_RETRY_CAP_MS: cap }) =>
      base <= cap
        ? undefined
        : { name: 'RAE_RETRY_BASE_MS', what: `is ${base}; expected no more than RAE_RETRY_CAP_MS, which is ${cap}` },
  },
});
