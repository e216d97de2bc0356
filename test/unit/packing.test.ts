import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { mostTogether, pack } from '../../src/dispatch/packing.ts';
import { flyingRun } from '../support/flying.ts';

const flying = (tenant: number, index: number, estimateMs: number, worker = 'decay') =>
  flyingRun({ tenantId: `t${tenant}`, runId: `r${tenant}-${index}`, estimateMs, worker });

const options = {
  shared: new Set(['decay']),
  free: () => 1,
  aloneMs: ({ estimateMs }: { estimateMs: number }) => estimateMs,
};

const runs = fc
  .array(fc.tuple(fc.nat(20), fc.double({ min: 0.01, max: 50, noNaN: true })), { minLength: 1, maxLength: 300 })
  .map((list) => list.map(([tenant, ms], index) => flying(tenant, index, ms)));

describe('tickets', () => {
  it('hold every admitted run once, and all runs of a tenant and worker together', () => {
    fc.assert(
      fc.property(runs, (list) => {
        const tickets = pack(list, options);
        expect(
          tickets
            .flat()
            .map(({ runId }) => runId)
            .sort(),
        ).toEqual(list.map(({ runId }) => runId).sort());
        const homes = new Map<string, number>();
        for (const [number, ticket] of tickets.entries()) {
          for (const { tenantId } of ticket) expect(homes.get(tenantId) ?? number).toBe(number);
          for (const { tenantId } of ticket) homes.set(tenantId, number);
        }
      }),
    );
  });

  it('hold no more than 20 ms of expected time or 128 runs, unless they are one tenant’s', () => {
    fc.assert(
      fc.property(runs, (list) => {
        for (const ticket of pack(list, options)) {
          if (new Set(ticket.map(({ tenantId }) => tenantId)).size === 1) continue;
          expect(ticket.reduce((sum, { estimateMs }) => sum + estimateMs, 0)).toBeLessThanOrEqual(20);
          expect(ticket.length).toBeLessThanOrEqual(128);
        }
      }),
    );
  });

  it('are filled by what runs take alone, not by what they take while others have their core', () => {
    const list = Array.from({ length: 40 }, (_, tenant) => flying(tenant, 0, 5));
    expect(pack(list, options)).toHaveLength(10);
    expect(pack(list, { ...options, aloneMs: ({ estimateMs }) => estimateMs / 10 })).toHaveLength(1);
  });

  it('end within a second even if every run takes all that is expected of it', () => {
    const list = Array.from({ length: 40 }, (_, tenant) => flying(tenant, 0, 100));
    expect(pack(list, { ...options, aloneMs: () => 0.1 })).toHaveLength(4);
  });

  it('are spread over the tickets that can be taken when the load is small', () => {
    const list = Array.from({ length: 80 }, (_, tenant) => flying(tenant, 0, 1));
    expect(pack(list, { ...options, free: () => 1 })).toHaveLength(4);
    expect(pack(list, { ...options, free: () => 8 })).toHaveLength(8);
    expect(pack(list, { ...options, free: () => 100 })).toHaveLength(10);
    const short = Array.from({ length: 80 }, (_, tenant) => flying(tenant, 0, 0.1));
    expect(pack(short, { ...options, free: () => 8 })).toHaveLength(1);
  });

  it('carry one run of a worker whose effect is code', () => {
    const list = [flying(1, 0, 1, 'touch'), flying(1, 1, 1, 'touch'), flying(2, 0, 1, 'touch')];
    expect(pack(list, options).map((ticket) => ticket.length)).toEqual([1, 1, 1]);
  });
});

describe('how many runs of a tenant are admitted together', () => {
  it('follows from what one is expected to take', () => {
    expect(mostTogether(0)).toBe(128);
    expect(mostTogether(2)).toBe(10);
    expect(mostTogether(1_000)).toBe(1);
  });
});
