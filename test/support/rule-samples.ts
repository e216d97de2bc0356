import fc from 'fast-check';
import type { ReferenceCondition } from './rule-reference.ts';
import type { RuleColumns, StoredEvent } from './rule-scene.ts';

const word = fc.constantFrom('red', 'Red', 'green', 'redgreen', '', 'RED');
const small = fc.integer({ min: 0, max: 4 });
const value = fc.oneof(small, word, fc.boolean(), fc.constant(null), fc.array(word, { maxLength: 2 }));

const FIELDS = ['n', 'payload.n', 'w', 'payload.w', 'list', 'deep.er', 'payload.deep.er', 'flag', 'missing', 'odd'];

const ordering = fc.record({
  operator: fc.constantFrom('greater_than', 'less_than', 'greater_equal', 'less_equal'),
  value: fc.oneof(small, word),
});
const comparing = fc.record({ operator: fc.constantFrom('equals', 'not_equals', 'contains', 'not_contains'), value });
const listing = fc.record({ operator: fc.constantFrom('in', 'not_in'), value: fc.array(value, { maxLength: 3 }) });
const matching = fc.record({
  operator: fc.constant('matches_regex'),
  value: fc.constantFrom('red', 'r.d', 'green$', '.*green', '(red|green)+', '^re', '[a-z]{3}$', ''),
});
const asking = fc.record({ operator: fc.constantFrom('is_null', 'is_not_null') });

const leaf = fc
  .tuple(
    fc.constantFrom(...FIELDS),
    fc.oneof(ordering, comparing, listing, matching, asking),
    fc.record({ negate: fc.boolean(), case_sensitive: fc.boolean() }, { requiredKeys: [] }),
  )
  .map(([field, question, modifiers]): ReferenceCondition => ({ field, ...question, ...modifiers }));

/** Any tree of conditions. */
export const someCondition: fc.Arbitrary<ReferenceCondition> = fc.letrec<{ node: ReferenceCondition }>((tie) => ({
  node: fc.oneof(
    { maxDepth: 3, withCrossShrink: true },
    leaf,
    fc.record({
      operator: fc.constantFrom('AND', 'OR'),
      conditions: fc.array(tie('node'), { maxLength: 3 }),
      groups: fc.array(
        fc.record({ operator: fc.constantFrom('AND', 'OR'), conditions: fc.array(tie('node'), { maxLength: 2 }) }),
        { maxLength: 1 },
      ),
    }),
  ),
})).node;

/** Any payload that such conditions may ask about. */
export const somePayload = fc.record(
  {
    n: small,
    w: word,
    list: fc.array(word, { maxLength: 3 }),
    deep: fc.oneof(fc.record({ er: value }), small),
    flag: fc.boolean(),
    odd: value,
  },
  { requiredKeys: [] },
);

const aggregate = fc.record({
  time_window_seconds: fc.constantFrom(1, 60, 600, 3_600),
  aggregate: fc.oneof(
    fc.record(
      {
        value: fc.integer({ min: 0, max: 4 }),
        reset_on_fire: fc.boolean(),
        operator: fc.constantFrom('greater_equal', 'equals'),
      },
      { requiredKeys: ['value'] },
    ),
    fc.record({
      function: fc.constantFrom('sum', 'avg', 'min', 'max'),
      field: fc.constantFrom('payload.n', 'odd'),
      operator: fc.constantFrom('greater_than', 'less_than', 'greater_equal', 'less_equal'),
      value: fc.integer({ min: 0, max: 6 }),
    }),
  ),
});

/** Any rule, without actions. */
export const someRule: fc.Arbitrary<RuleColumns> = fc
  .tuple(
    fc.record({
      condition_group: fc.option(someCondition),
      project: fc.option(fc.constantFrom('atlas', 'default'), { freq: 2 }),
      event_types: fc.subarray(['custom.thing', 'drift_detected', 'custom.*'], { minLength: 1 }),
      priority: fc.integer({ min: 1, max: 10 }),
      cooldown_seconds: fc.option(fc.constantFrom(0, 1, 300, 3_600)),
      max_executions_per_hour: fc.option(fc.constantFrom(1, 2, 5)),
    }),
    fc.option(aggregate),
  )
  .map(([rule, window]) => ({ ...rule, ...(window ?? {}) }));

const FIRST = new Date('2026-03-04T10:00:00Z').getTime();

/** Any event within three hours, in no order; many at the same instant. */
export const someEvent: fc.Arbitrary<StoredEvent> = fc.record({
  type: fc.constantFrom('custom.thing', 'custom.other', 'drift_detected', 'memory_created'),
  project: fc.constantFrom('default', 'default', 'atlas'),
  payload: somePayload,
  at: fc
    .oneof(
      fc.integer({ min: 0, max: 36 }).map((n) => n * 300_000),
      fc.integer({ min: 0, max: 10_800_000 }),
    )
    .map((ms) => new Date(FIRST + ms)),
});
