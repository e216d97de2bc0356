/** What one check of the doctor says. */
export interface Finding {
  /** What was looked at. */
  readonly check: string;
  readonly status: 'ok' | 'warn' | 'fail';
  /** What was found, without secrets. */
  readonly found: string;
  /** How to mend it. */
  readonly mend?: string | undefined;
}

/** All is well with `check`. */
export function ok(check: string, found: string): Finding {
  return { check, status: 'ok', found };
}

/** It works, but not as it should. */
export function warn(check: string, found: string, mend: string): Finding {
  return { check, status: 'warn', found, mend };
}

/** It does not work, or services refuse to start with it. */
export function fail(check: string, found: string, mend: string | undefined): Finding {
  return { check, status: 'fail', found, mend };
}
