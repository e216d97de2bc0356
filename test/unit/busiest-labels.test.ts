import { describe, expect, it } from 'vitest';
import { BusiestLabels } from '../../src/observe/busiest-labels.ts';

describe('labels of the busiest', () => {
  it('are a bounded number, and all others are other', () => {
    const labels = new BusiestLabels(2, () => {});
    expect(['a', 'b', 'c', 'a'].map((value) => labels.of(value, 1))).toEqual(['a', 'b', 'other', 'a']);
  });

  it('pass from who counts least to who has gathered twice as much', () => {
    const left: string[] = [];
    const labels = new BusiestLabels(2, (value) => left.push(value));
    labels.of('a', 10);
    labels.of('b', 5);
    expect(labels.of('c', 10)).toBe('other');
    expect(labels.of('c', 1)).toBe('c');
    expect(left).toEqual(['b']);
    expect(labels.of('b', 1)).toBe('other');
  });
});
