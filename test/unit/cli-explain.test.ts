import { describe, expect, it } from 'vitest';
import { explained } from '../../src/cli/explain.ts';
import { RaeError } from '../../src/kernel/errors.ts';

const database = (code: string, message: string) => Object.assign(new Error(message), { code });

describe('an error that nobody foresaw', () => {
  it('keeps its message, loses its secrets, and says how to see more', () => {
    const told = explained(new Error('lost postgres://rae:hunter2@db/rae'));
    expect(told).toMatchObject({
      code: 'RAE_INTERNAL',
      exit: 1,
      hint: 'RAE_LOG_LEVEL=debug shows where it comes from',
    });
    expect(told.message).not.toContain('hunter2');
  });

  it('may be anything at all', () => {
    for (const thrown of [undefined, null, 'text', 5, {}, []]) {
      expect(explained(thrown).code).toBe('RAE_INTERNAL');
    }
  });

  it('stays what it is when it has a code', () => {
    const error = new RaeError('RAE_TENANT_UNKNOWN', 'there is no tenant');
    expect(explained(error)).toBe(error);
  });
});

describe('an error of the database', () => {
  it.each([
    ['42P01', 'relation "public.tenants" does not exist', 4, /rae migrate/],
    ['22023', 'role "rae_operator" does not exist', 4, /rae migrate/],
    ['42501', 'permission denied for table tenants', 4, /rae doctor/],
    ['53100', 'could not extend file: No space left on device', 1, /free space/],
    ['57014', 'canceling statement due to statement timeout', 1, /try again/],
  ])('%s says what it means and what to do', (code, message, exit, hint) => {
    const told = explained(database(code, message));
    expect(told.exit).toBe(exit);
    expect(told.message).toContain(message);
    expect(told.hint).toMatch(hint);
  });
});
