import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ConditionNode } from '../../workers/trigger-evaluation/condition.ts';
import { holds, readConditions } from '../../workers/trigger-evaluation/condition.ts';
import { explainConditions } from '../../workers/trigger-evaluation/explanation.ts';
import type { RuleEvent } from '../../workers/trigger-evaluation/rule-event.ts';
import { truth } from '../support/rule-reference.ts';
import { someCondition, somePayload } from '../support/rule-samples.ts';

const eventWith = (payload: unknown): RuleEvent => ({
  ...{
    id: '1',
    type: 'custom.thing',
    project: 'atlas',
    source: 'api',
    userId: 'u7',
    sessionId: null,
    correlationId: null,
  },
  ...{ payload, tags: ['a'], metadata: {}, depth: 0, number: 1, at: 0 },
});

function read(given: unknown): ConditionNode {
  const node = readConditions(given);
  if (Array.isArray(node)) throw new Error(JSON.stringify(node));
  return node as ConditionNode;
}

const faults = (given: unknown): string[] => {
  const node = readConditions(given);
  return Array.isArray(node) ? node.map(({ path, message }) => `${path.join('.')}: ${message}`) : [];
};

const asks = (payload: unknown, field: string, operator: string, value?: unknown, more: object = {}): boolean =>
  holds(read({ field, operator, value, ...more }), eventWith(payload));

describe('conditions', () => {
  it('hold exactly where a plain reading of them does, and each explanation says the same', () => {
    fc.assert(
      fc.property(someCondition, somePayload, (condition, payload) => {
        const node = read(condition);
        const event = eventWith(payload);
        const expected = truth(condition, payload);
        expect(holds(node, event)).toBe(expected);
        expect(explainConditions(node, event).holds).toBe(expected);
      }),
      { numRuns: Number(process.env.TEST_RUNS ?? 5_000) },
    );
  });

  it.each([
    [{ n: 5 }, 'n', 'equals', 5, true],
    [{ n: 5 }, 'payload.n', 'equals', 5, true],
    [{ n: 5 }, 'n', 'equals', '5', false],
    [{ n: 1 }, 'n', 'equals', true, false],
    [{ n: 5 }, 'n', 'greater_than', '4', false],
    [{ n: '5' }, 'n', 'greater_than', 4, false],
    [{}, 'n', 'greater_than', 4, false],
    [{}, 'payload.n', 'less_than', 4, false],
    [{}, 'n', 'equals', null, true],
    [{}, 'n', 'is_null', undefined, true],
    [{ n: null }, 'n', 'is_not_null', undefined, false],
    [{ n: 7 }, 'n', 'not_contains', 'x', true],
    [{ t: ['a', 'b'] }, 't', 'contains', 'a', true],
    [{ t: [{ x: 1 }] }, 't.0.x', 'equals', 1, true],
    [{ s: 'error: disk' }, 's', 'matches_regex', 'error', true],
    [{ s: 'an error' }, 's', 'matches_regex', 'error', false],
    [{ s: 'a\nerror' }, 's', 'matches_regex', '.*error', false],
    [{}, '__proto__.x', 'is_null', undefined, true],
    [{}, 'constructor', 'is_null', undefined, true],
    [{ t: ['a'] }, 't.length', 'is_null', undefined, true],
    [{ at: '2026-01-02' }, 'at', 'less_than', '2026-02', true],
    [{ payload: { x: 1 } }, 'payload.payload.x', 'equals', 1, true],
    [{}, 'event.user_id', 'equals', 'u7', true],
    [{ event: { user_id: 'own' } }, 'event.user_id', 'equals', 'own', true],
  ])('%j: %s %s %j is %s', (payload, field, operator, value, expected) => {
    expect(asks(payload, field, operator, value)).toBe(expected);
    expect(asks(payload, field, operator, value, { negate: true })).toBe(!expected);
  });

  it('look away from capitals where that is asked for, with every operator on text', () => {
    const loosely = { case_sensitive: false };
    for (const [operator, value] of [
      ['equals', 'RED'],
      ['contains', 'EE'],
      ['in', ['RED', 'GREEN']],
      ['matches_regex', 'GR'],
      ['greater_equal', 'GREEN'],
    ] as const) {
      const payload = { w: operator === 'equals' ? 'red' : 'green' };
      expect(asks(payload, 'w', operator, value, loosely), operator).toBe(true);
    }
  });

  it('an empty AND holds, an empty OR does not', () => {
    expect(holds(read({ operator: 'AND' }), eventWith({}))).toBe(true);
    expect(holds(read({ operator: 'OR', conditions: [], groups: [] }), eventWith({}))).toBe(false);
  });

  it('say of a comparison that cannot be made that it is false, and why', () => {
    expect(explainConditions(read({ field: 'n', operator: 'less_than', value: 3 }), eventWith({ n: 'x' }))).toEqual({
      field: 'n',
      operator: 'less_than',
      value: 3,
      found: 'x',
      negate: false,
      holds: false,
      because: 'text and a number have no order',
    });
  });

  it('take linear time for what makes other engines hang', () => {
    expect(asks({ s: `${'a'.repeat(3_900)}!` }, 's', 'matches_regex', '(a+)+(a+)+$')).toBe(false);
    expect(asks({ s: 'a'.repeat(4_001) }, 's', 'matches_regex', 'a')).toBe(false);
  });
});

describe('conditions that cannot be', () => {
  it.each([
    [{ field: 'n', operator: 'gt', value: 1 }, 'operator: there is no operator "gt"; did you mean greater_than?'],
    [{ field: 'n', operator: 'equal', value: 1 }, 'operator: there is no operator "equal"; did you mean equals?'],
    [{ field: 'n', operator: 'in', value: 'x' }, 'value: is text; in expects a list'],
    [{ field: 'n', operator: 'less_than' }, 'value: is null; less_than expects a number or text'],
    [{ field: 'n', operator: 'equals', valeu: 1 }, 'valeu: did you mean value?'],
    [{ operator: 'XOR' }, 'operator: is "XOR"; expected AND or OR'],
    [{ conditions: [{ groups: 1 }] }, 'conditions.0.groups: is a number; expected a list'],
    [[], ': is a list; expected a condition with a field, or a group with conditions'],
  ])('%j is refused: %s', (given, message) => {
    expect(faults(given)).toEqual([message]);
  });

  it.each(['(', '(?=x)', '(x)\\1', '(a{100}){10}', 'x'.repeat(1_001), '(a{20}b{20}c{20}){15}'])(
    'the regular expression %s is refused',
    (value) => {
      expect(faults({ field: 'n', operator: 'matches_regex', value })[0]).toMatch(/^value: the regular expression /);
    },
  );

  it('regular expressions that are too large together are refused', () => {
    const one = { field: 'n', operator: 'matches_regex', value: '[a-z]{200}' };
    expect(faults({ conditions: [one, one, one, one] })).toEqual([]);
    expect(faults({ conditions: [one, one, one, one, one] })).toEqual([
      'conditions.4.value: the regular expressions are too large together',
    ]);
  });

  it('a tree that is too deep or too large is refused', () => {
    const deep = (levels: number): object => (levels === 0 ? {} : { groups: [deep(levels - 1)] });
    expect(faults(deep(9))).toEqual([]);
    expect(faults(deep(10))[0]).toContain('at most 10 deep');
    const many = Array.from({ length: 250 }, () => ({ field: 'n', operator: 'is_null' }));
    expect(faults({ conditions: many })).toEqual(['conditions.199: expected at most 200 conditions and groups']);
  });
});
