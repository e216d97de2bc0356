import { describe, expect, it } from 'vitest';
import { partitionOf } from '../../queues/partition.ts';
import { ShareBook } from '../../src/dispatch/share.ts';

const row = (tenantId: string, more: object = {}) => ({
  tenant_id: tenantId,
  weight: 1,
  cap: 2,
  epoch: 0,
  dedicated: false,
  ...more,
});

describe('what is known of tenants', () => {
  it('tells of a move, and of nothing else', () => {
    const shares = new ShareBook();
    expect(shares.set(row('a'))).toBe(false);
    expect(shares.set(row('a'))).toBe(false);
    expect(shares.set(row('a', { weight: 3, cap: 5 }))).toBe(false);
    expect(shares.get('a')).toMatchObject({ weight: 3, cap: 5, epoch: 0, dedicated: false });
    expect(shares.set(row('a', { epoch: 1, dedicated: true }))).toBe(true);
  });

  it('hashes a tenant as its queue does, whatever the number of partitions was before', () => {
    const shares = new ShareBook();
    for (const partitions of [2, 7, 7, 1]) {
      for (const tenantId of ['a', 'b', 'c']) {
        expect(shares.partition(tenantId, partitions)).toBe(partitionOf(tenantId, partitions));
      }
    }
  });

  it('is forgotten of all but those that are named or were heard of lately', () => {
    const shares = new ShareBook();
    for (const tenantId of ['a', 'b', 'c']) shares.set(row(tenantId));
    shares.age();
    shares.set(row('c'));
    shares.keep(new Set(['b']));
    expect(shares.size).toBe(2);
    expect([shares.get('a'), shares.get('b')?.cap, shares.get('c')?.cap]).toEqual([undefined, 2, 2]);
  });
});
