import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { patched } from '../../src/tenant/policy-patch.ts';

describe('a change of single fields', () => {
  it('leaves the others as they are', () => {
    const before = { rate: 0.1, layer_rates: { working: 0.2, semantic: 0.3 } };
    const after = patched(before, { set: [['layer_rates.working', 0.5]], unset: ['rate'] });
    expect(after).toEqual({ layer_rates: { working: 0.5, semantic: 0.3 } });
    expect(before).toEqual({ rate: 0.1, layer_rates: { working: 0.2, semantic: 0.3 } });
  });

  it('takes away before it sets', () => {
    const before = { layer_rates: { working: 0.2, semantic: 0.3 } };
    const after = patched(before, { set: [['layer_rates.working', 0.5]], unset: ['layer_rates'] });
    expect(after).toEqual({ layer_rates: { working: 0.5 } });
  });

  it('makes an own field of any name and reaches no prototype', () => {
    const after = patched({}, { set: [['__proto__.polluted', true]], unset: ['constructor.prototype'] });
    expect(Object.keys(after)).toEqual(['__proto__']);
    expect(({} as Record<string, unknown>).polluted).toBeUndefined();
  });

  it('once more is the same, and setting what was there gives back what was there', () => {
    const document = fc.dictionary(fc.constantFrom('a', 'b', 'c'), fc.jsonValue());
    const path = fc.constantFrom('a', 'b', 'c', 'a.x', 'b.y');
    const patch = fc.record({ set: fc.array(fc.tuple(path, fc.jsonValue())), unset: fc.array(path) });
    fc.assert(
      fc.property(document, patch, (before, change) => {
        const once = patched(before, change);
        expect(patched(once, { set: change.set, unset: [] })).toEqual(once);
        expect(patched(before, { set: Object.entries(before), unset: [] })).toEqual(before);
      }),
    );
  });
});
