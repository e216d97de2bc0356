import { randomUUID } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { arrayLiteral } from '../../src/db/array-literal.ts';

describe('an array written for Postgres', () => {
  it('holds ids, numbers, hashes and nothing in their order', () => {
    const [one, two] = [randomUUID(), randomUUID()];
    expect(arrayLiteral([one, two])).toBe(`{${one},${two}}`);
    expect(arrayLiteral([0, 12, -3])).toBe('{0,12,-3}');
    expect(arrayLiteral(['ab'.repeat(32), null])).toBe(`{${'ab'.repeat(32)},NULL}`);
    expect(arrayLiteral([])).toBe('{}');
  });

  it.each(['', 'NULL', 'null', 'a,b', '{}', '"', '\\', ' ', 'xyz', '1}', 1.5, 1e21, Number.NaN])(
    'takes no element that would need quotes: %j',
    (element) => {
      expect(() => arrayLiteral([1, element])).toThrow(TypeError);
    },
  );
});
