import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { assignment } from '../../src/cli/assignment.ts';
import {
  argument,
  decimal,
  instant,
  jsonObject,
  oneOf,
  option,
  orWord,
  repeated,
  text,
  whole,
} from '../../src/cli/option.ts';
import { RaeError } from '../../src/kernel/errors.ts';

/** The error that `read` throws. */
function refusal(read: () => unknown): RaeError {
  try {
    read();
  } catch (error) {
    if (error instanceof RaeError) return error;
    throw error;
  }
  throw new Error('it was not refused');
}

describe('what is typed after an option', () => {
  it('is refused by the name of the option, with the nearest right value', () => {
    const made = option('--status <status>', '', oneOf(['active', 'suspended']));
    expect(made.parseArg?.('active', undefined)).toBe('active');
    expect(refusal(() => made.parseArg?.('suspnded', undefined))).toMatchObject({
      code: 'RAE_USAGE',
      message: '--status is "suspnded"; expected one of active, suspended',
      hint: 'did you mean suspended?',
    });
  });

  it.each([
    ['0.001', 0.001],
    ['7', 7],
    ['999.125', 999.125],
    ['by-plan', 'by-plan'],
  ])('is a number with decimals, or the one word that may stand for it: %s', (given, value) => {
    expect(orWord('by-plan', decimal(0.001, 1_000, 3))(given)).toBe(value);
  });

  it.each(['0', '-1', '1e3', '.5', '1.2345', '1000.001', 'heavy', '', ' 1', 'NaN', 'Infinity'])(
    'is no such number: %j',
    (given) => {
      expect(refusal(() => orWord('by-plan', decimal(0.001, 1_000, 3))(given)).message).toBe(
        `is ${JSON.stringify(given)}; expected a number from 0.001 to 1000 with at most 3 decimals, or by-plan`,
      );
    },
  );

  it('is the one word, misspelt, and named as the nearest', () => {
    expect(refusal(() => orWord('by-plan', whole(1, 9))('by-pln')).hint).toBe('did you mean by-plan?');
  });

  it('is a list where it may be repeated', () => {
    const made = repeated('--unset <field>', '', text);
    expect(
      ['a', 'b', 'c'].reduce((before: unknown, given) => made.parseArg?.(given, before as never), undefined),
    ).toEqual(['a', 'b', 'c']);
  });

  it('is a list where an argument may be repeated, so that no name is lost', () => {
    const made = argument('[names...]', '', text);
    expect(['a', 'b'].reduce((before: unknown, given) => made.parseArg?.(given, before as never), undefined)).toEqual([
      'a',
      'b',
    ]);
    expect(argument('<name>', '', text).parseArg?.('a', undefined)).toBe('a');
  });

  it('is always either taken or refused as wrong usage, whatever it is', () => {
    const readers = [
      oneOf(['shared', 'dedicated']),
      whole(0, 10),
      orWord('by-plan', decimal(0, 9, 3)),
      instant,
      jsonObject,
      assignment,
    ];
    fc.assert(
      fc.property(fc.constantFrom(...readers), fc.string({ unit: 'binary' }), (read, given) => {
        try {
          read(given);
        } catch (error) {
          expect(error).toMatchObject({ code: 'RAE_USAGE' });
          expect((error as Error).message).not.toMatch(/\p{Cc}/u);
        }
        expect(true).toBe(true);
      }),
    );
  });
});

describe('a whole number', () => {
  it('is taken exactly when it is written as one and within its bounds', () => {
    fc.assert(
      fc.property(fc.integer({ min: -200, max: 200 }), (value) => {
        const read = () => whole(-100, 100)(String(value));
        if (Math.abs(value) <= 100) expect(read()).toBe(value);
        else expect(refusal(read).message).toBe(`is "${value}"; expected a whole number from -100 to 100`);
      }),
    );
  });

  it.each(['', ' 5', '1e1', '0x10', '5.0', '٣', 'five', 'Infinity', '9'.repeat(400)])(
    'is not taken for %j',
    (given) => {
      expect(refusal(() => whole(0, 1_000)(given)).code).toBe('RAE_USAGE');
    },
  );
});

describe('an instant', () => {
  it('is taken back as it was written by a computer', () => {
    fc.assert(
      fc.property(fc.date({ min: new Date(0), max: new Date('9999-12-31'), noInvalidDate: true }), (at) => {
        expect(instant(at.toISOString())).toEqual(at);
        expect(instant(at.toISOString().slice(0, 10)).toISOString().slice(0, 10)).toBe(at.toISOString().slice(0, 10));
      }),
    );
  });

  it('may have a zone, and a date alone is its midnight in UTC', () => {
    expect(instant('2026-11-23T02:00+02:00').toISOString()).toBe('2026-11-23T00:00:00.000Z');
    expect(instant('2026-11-23 02:00:00Z').toISOString()).toBe('2026-11-23T02:00:00.000Z');
    expect(instant('2026-11-23').toISOString()).toBe('2026-11-23T00:00:00.000Z');
  });

  it.each([
    'now',
    '2026',
    '2026-11',
    '2026-02-30',
    '2026-13-01',
    '23.11.2026',
    '2026-11-23T02:00',
    '2026-11-23T25:00Z',
    '1764',
  ])('is not guessed from %j', (given) => {
    expect(refusal(() => instant(given)).message).toMatch(/expected a date such as/);
  });
});

describe('field=value', () => {
  it.each([
    ['rate=0.02', ['rate', 0.02]],
    ['enabled=false', ['enabled', false]],
    ['cron=0 3 * * *', ['cron', '0 3 * * *']],
    ['time_zone=Etc/GMT+1', ['time_zone', 'Etc/GMT+1']],
    ['a.b={"c":1}', ['a.b', { c: 1 }]],
    ['text="5"', ['text', '5']],
    ['empty=', ['empty', '']],
    ['two=a=b', ['two', 'a=b']],
  ])('%s', (given, read) => {
    expect(assignment(given)).toEqual(read);
  });

  it('needs a field', () => {
    for (const given of ['', '=5', 'rate'])
      expect(refusal(() => assignment(given)).message).toMatch(/expected field=value/);
  });
});
