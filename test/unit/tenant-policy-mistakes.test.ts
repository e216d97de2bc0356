import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { policyMistakes, unknownKeys } from '../../src/tenant/policy-mistakes.ts';
import { decayPolicy } from '../../workers/decay/policy.ts';

const json = (text: string): unknown => JSON.parse(text);

describe('a policy that does not fit', () => {
  it('is answered with every mistake at once: where, what was given and what was expected', () => {
    const document = { rat: 1, rate: 'fast', floor: 3, layer_rates: { epsodic: 1, working: 4 }, enabled: null };
    expect(policyMistakes(decayPolicy, document)).toEqual([
      'enabled is null; expected true or false',
      'rate is "fast"; expected a number from 0 to 1',
      'floor is 3; expected a number from 0 to 1',
      'layer_rates.working is 4; expected a number from 0 to 1',
      'layer_rates.epsodic is not one of the fields; did you mean episodic?',
      'rat is not one of the fields; did you mean rate?',
    ]);
  });

  it('is answered with what stands between fields too, although another field is wrong', () => {
    expect(policyMistakes(decayPolicy, { rate: 'fast', protected_days: 40 })).toEqual([
      'rate is "fast"; expected a number from 0 to 1',
      'protected_days is 40; must not be more than accelerated_days',
    ]);
  });

  it('is not held against the default of a field that is itself wrong', () => {
    expect(policyMistakes(decayPolicy, { protected_days: 40, accelerated_days: 'soon' })).toEqual([
      'accelerated_days is "soon"; expected a number from 1 to 3650',
    ]);
    expect(policyMistakes(decayPolicy, { accelerated_days: 0 })).toEqual([
      'accelerated_days is 0; expected a number from 1 to 3650',
    ]);
  });

  it('says what is wrong with a cron and a time zone', () => {
    const [cron, zone] = policyMistakes(decayPolicy, { cron: '0 25 * * *', time_zone: 'Mars/Olympus' });
    expect(cron).toMatch(/^cron is "0 25 \* \* \*"; must be a cron \(minute 0-59, hour 0-23, .*hour: 25$/);
    expect(zone).toBe('time_zone is "Mars/Olympus"; must be an IANA time zone such as Europe/Berlin');
  });

  it('says one thing about a value, though several rules are broken by it', () => {
    expect(policyMistakes(decayPolicy, { rate: -1 })).toEqual(['rate is -1; expected a number from 0 to 1']);
  });

  it.each([
    ['a list', '[]', 'the whole is a list; expected an object'],
    ['nothing', 'null', 'the whole is null; expected an object'],
    ['a text', '"x"', 'the whole is "x"; expected an object'],
  ])('may be %s instead of an object', (_what, text, says) => {
    expect(policyMistakes(decayPolicy, json(text))).toEqual([says]);
  });

  it('is answered with what a pattern says that it takes, where it says so', () => {
    const schema = z.strictObject({ told: z.string().regex(/^a$/, 'expected an a'), bare: z.string().regex(/^a$/) });
    expect(policyMistakes(schema, { told: 'b', bare: 'b' })).toEqual([
      'told is "b"; expected an a',
      'bare is "b"; expected a text',
    ]);
  });

  it('lists the fields there are where none is near', () => {
    expect(policyMistakes(decayPolicy, { halflife_weeks: 1 })[0]).toMatch(
      /^halflife_weeks is not one .*there are enabled, cron/,
    );
  });

  it('never shows a value that is secret by its name', () => {
    const schema = z.strictObject({ webhook_token: z.string().max(3).default('') });
    const [says] = policyMistakes(schema, { webhook_token: 'hunter2' });
    expect(says).toBe('webhook_token is wrong (value not shown); expected a text of at most 3 characters');
  });

  it('steers no terminal with what it shows, whatever was given', () => {
    const anything = fc.dictionary(fc.string({ unit: 'binary' }), fc.jsonValue(), { maxKeys: 5 });
    fc.assert(
      fc.property(anything, (document) => {
        for (const says of policyMistakes(decayPolicy, document)) expect(says).not.toMatch(/[\p{Cc}\u202a-\u202e]/u);
      }),
    );
  });

  it('is told exactly when the schema refuses it', () => {
    const value = fc.oneof(fc.double(), fc.string(), fc.boolean(), fc.constant(null), fc.constant('Europe/Berlin'));
    const key = fc.oneof(fc.constantFrom(...Object.keys(decayPolicy.shape)), fc.string());
    fc.assert(
      fc.property(fc.dictionary(key, value, { maxKeys: 4 }), (document) => {
        expect(policyMistakes(decayPolicy, document).length === 0).toBe(decayPolicy.safeParse(document).success);
      }),
    );
  });
});

describe('what an own key of any name is', () => {
  it('an unknown field, be it called __proto__ or constructor', () => {
    for (const key of ['__proto__', 'constructor', 'toString']) {
      expect(policyMistakes(decayPolicy, json(`{"${key}": 1}`))).toHaveLength(1);
      expect(unknownKeys(decayPolicy, json(`{"${key}": 1}`))).toHaveLength(1);
    }
  });

  it('not a mistake where only its value is wrong and keys alone are asked about', () => {
    expect(unknownKeys(decayPolicy, { rate: null, layer_rates: { working: null } })).toEqual([]);
    expect(unknownKeys(decayPolicy, { layer_rates: { wrking: null } })).toEqual([
      'layer_rates.wrking is not one of the fields; did you mean working?',
    ]);
  });
});
