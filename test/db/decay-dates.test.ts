import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { LAYERS } from '../../workers/decay/policy.ts';
import { useDatabase } from '../support/database.ts';
import { type DecayRules, decayed, localDate } from '../support/decay-arithmetic.ts';
import { decayRun } from '../support/decay-run.ts';
import { addMemories, type MemoryColumns, readMemories } from '../support/memories.ts';
import { type Performing, performing } from '../support/performing.ts';
import { addRun } from '../support/runs.ts';
import { addTenant } from '../support/tenants.ts';

const database = useDatabase();
let decay: Performing;

beforeAll(async () => {
  decay = await performing('decay', database().tenants());
});

const DAY_MS = 86_400_000;
const ZONES = [
  'UTC',
  'Europe/Berlin',
  'America/New_York',
  'Asia/Kolkata',
  'Pacific/Auckland',
  'Australia/Lord_Howe',
  'Pacific/Honolulu',
];
/** Days before the clocks change, in Europe, America or the south, in spring and autumn. */
const BASES = ['2026-03-26', '2026-10-22', '2026-03-05', '2026-10-30', '2026-04-02', '2026-09-24'];

/** A memory by its distances from the first day. */
const memories = fc.array(
  fc.record({
    importance: fc.oneof(fc.double({ min: 0, max: 1, noNaN: true }), fc.constantFrom(null, 0.01, 0.5, 1)),
    layer: fc.constantFrom(...LAYERS, null, 'other'),
    createdMinutes: fc.oneof(fc.integer({ min: -200_000, max: 0 }), fc.integer({ min: -1_500, max: 15_000 })),
    accessed: fc.oneof(
      fc.constant(null),
      fc.record({ minutes: fc.integer({ min: -200_000, max: 15_000 }) }),
      // Exactly on a boundary as seen from one of the slots, or a millisecond to either side of it.
      fc.record({
        slot: fc.nat({ max: 4 }),
        boundary: fc.constantFrom('protected_days', 'accelerated_days'),
        ms: fc.integer({ min: -1, max: 1 }),
      }),
    ),
  }),
  { minLength: 1, maxLength: 34 },
);

const rules = fc
  .record({
    time_zone: fc.constantFrom(...ZONES),
    rate: fc.oneof(fc.constantFrom(0, 1e-9, 0.01), fc.double({ min: 1e-9, max: 1, noNaN: true })),
    floor: fc.constantFrom(0, 0.01, 0.2),
    protected_days: fc.constantFrom(0, 1, 3.5, 7),
    accelerated_days: fc.constantFrom(7, 10, 30, 365),
    access_statistics: fc.boolean(),
    layer_rates: fc.dictionary(fc.constantFrom(...LAYERS), fc.double({ min: 1e-9, max: 1, noNaN: true })),
  })
  .map((one): DecayRules => ({ ...one, layer_rates: { ...one.layer_rates } }));

/** Runs in any order, each for some of the days, most killed after some steps. */
const attempts = fc.array(
  fc.record({ days: fc.subarray([0, 1, 2, 3, 4], { minLength: 1 }), killedAfter: fc.nat({ max: 4 }) }),
  { maxLength: 6 },
);

const scenario = fc.record({
  base: fc.constantFrom(...BASES),
  minute: fc.nat({ max: 1_439 }),
  days: fc.uniqueArray(fc.nat({ max: 9 }), { minLength: 1, maxLength: 5 }),
  rules,
  memories,
  attempts,
  stepRows: fc.constantFrom(10, 11, 15, 5_000),
});

type Scenario = typeof scenario extends fc.Arbitrary<infer Value> ? Value : never;

/** The slots of the scenario, one per local date. */
function slotsOf({ base, minute, days, rules: { time_zone } }: Scenario): Date[] {
  const start = Date.parse(`${base}T00:00:00Z`) + minute * 60_000;
  const slots = days.sort((a, b) => a - b).map((day) => new Date(start + day * DAY_MS));
  // On a day of 25 hours two slots may share a date; the first one stands for it.
  return slots.filter(
    (slot, index) => index === 0 || localDate(slot, time_zone) !== localDate(slots[index - 1] ?? slot, time_zone),
  );
}

function memoriesOf({ base, rules: policy, memories: all }: Scenario, slots: readonly Date[]) {
  const start = Date.parse(`${base}T00:00:00Z`);
  return all.map(({ importance, layer, createdMinutes, accessed }) => {
    let last: Date | null = null;
    if (accessed !== null && 'minutes' in accessed) last = new Date(start + accessed.minutes * 60_000);
    if (accessed !== null && 'slot' in accessed) {
      const slot = slots[accessed.slot % slots.length] ?? new Date(start);
      last = new Date(slot.getTime() - policy[accessed.boundary as 'protected_days'] * DAY_MS + accessed.ms);
    }
    return {
      importance,
      layer,
      created_at: new Date(start + createdMinutes * 60_000),
      last_accessed_at: last,
    } satisfies MemoryColumns;
  });
}

async function check(sample: Scenario): Promise<void> {
  const slots = slotsOf(sample);
  const given = memoriesOf(sample, slots);
  const tenantId = await addTenant(database());
  const ids = await addMemories(database(), tenantId, given);
  const common = { tenantId, policy: { ...sample.rules }, stepRows: sample.stepRows };
  for (const { days, killedAfter } of sample.attempts) {
    const some = days.flatMap((day) => (slots[day] === undefined ? [] : [slots[day]]));
    if (some.length > 0) await decayRun(database(), decay, { ...common, slots: some, killedAfter });
  }
  const last = await decayRun(database(), decay, { ...common, slots });
  expect(last.status).toBe('done');
  const after = await readMemories(database(), tenantId);
  given.forEach((memory, index) => {
    const wanted = decayed(memory, sample.rules, slots);
    const found = after.get(ids[index] ?? '')?.importance;
    if (wanted === null) expect(found).toBeNull();
    else expect(Math.abs(Number(found) - wanted), `memory ${index}: ${found} for ${wanted}`).toBeLessThan(1e-9);
  });
  await decayRun(database(), decay, { ...common, slots });
  expect(await readMemories(database(), tenantId)).toEqual(after);
}

describe('decay', () => {
  it('by a run that was asked for, which has no slot and so no date, changes nothing and is done', async () => {
    const tenantId = await addTenant(database());
    await addMemories(database(), tenantId, [{ importance: 0.9, created_at: new Date('2026-01-01T00:00:00Z') }]);
    const [policy, settings] = [decay.worker.defaultPolicy, { step_rows: 5_000 }];
    const answer = await decay.run({
      tenantId,
      runId: await addRun(database(), tenantId),
      attempt: 0,
      policy,
      settings,
    });
    expect(answer).toMatchObject({ status: 'done', counts: { decayed: 0, dates: 0 } });
    expect([...(await readMemories(database(), tenantId)).values()].map((row) => row.importance)).toEqual([0.9]);
  });

  it('equals an independent recomputation, in whatever order the dates run and wherever a run is killed', async () => {
    await fc.assert(fc.asyncProperty(scenario, check), {
      numRuns: Number(process.env.RAE_TEST_SAMPLES ?? 60),
      endOnFailure: false,
    });
  });
});
