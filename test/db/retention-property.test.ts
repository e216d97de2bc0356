import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { useDatabase } from '../support/database.ts';
import {
  type Estate,
  readCertificates,
  readRemains,
  storeEstate,
  wronglyEntered,
  wronglyHashed,
} from '../support/estate.ts';
import { someEstate, somePolicy } from '../support/estates.ts';
import { type Performing, performing } from '../support/performing.ts';
import { type Expected, retained } from '../support/retention-reference.ts';
import { retentionRun } from '../support/retention-run.ts';
import { addTenant } from '../support/tenants.ts';

const database = useDatabase();
let retention: Performing;

beforeAll(async () => {
  retention = await performing('retention-purge', database().tenants());
});

type PreviewedRow = { readonly class: string; readonly rows: number; readonly effect: string };

const SLOT = new Date('2026-06-15T01:00:00Z');
const RUNS = Number(process.env.TEST_RUNS ?? 60);

/** How many rows of each class a dry run says would go or be marked. */
async function previewed(tenantId: string, policy: Readonly<Record<string, unknown>>) {
  const statement = retention.worker.definition.preview;
  if (statement === undefined) throw new Error('retention has no preview');
  const effective = JSON.stringify({ ...retention.worker.defaultPolicy, ...policy });
  const rows = await database()
    .tenants('rae_api')
    .inTenant(tenantId, (tx) => tx.rows<PreviewedRow>(statement, [tenantId, SLOT, effective]));
  const goes = rows.filter(({ effect }) => effect === 'goes').map((row) => [row.class, row.rows]);
  const marked = rows.filter(({ effect }) => effect === 'marked').reduce((sum, row) => sum + row.rows, 0);
  return { goes: Object.fromEntries(goes), marked };
}

function foretold(estate: Estate, { remains, certificates }: Expected) {
  const marked = new Set(estate.memories.filter((memory) => memory.deleted_at !== null).map(({ id }) => id));
  return {
    goes: Object.fromEntries(certificates.map((one) => [one.class, one.deleted])),
    marked: Object.keys(remains.marks).filter((id) => !marked.has(id)).length,
  };
}

describe('retention of any estate under any policy', () => {
  it('leaves just what a row-by-row look leaves, as its dry run foretold, and certifies just what went, however often it is killed and run again', async () => {
    let removed = 0;
    let steps = 0;
    await fc.assert(
      fc.asyncProperty(
        someEstate(SLOT),
        somePolicy,
        fc.array(fc.integer({ min: 1, max: 4 }), { maxLength: 4 }),
        async (estate, policy, kills) => {
          const tenantId = await addTenant(database());
          await storeEstate(database(), tenantId, estate);
          const run = { tenantId, slot: SLOT, policy, stepRows: 10 };
          const expected = retained(estate, policy, SLOT);
          expect(await previewed(tenantId, policy)).toEqual(foretold(estate, expected));
          for (const killedAfter of kills) {
            const answer = await retentionRun(database(), retention, { ...run, killedAfter });
            if (answer.status === 'more') steps += 1;
          }
          expect((await retentionRun(database(), retention, run)).status).toBe('done');
          for (let again = 0; again < 2; again += 1) {
            expect(await readRemains(database(), tenantId)).toEqual(expected.remains);
            expect(await readCertificates(database(), tenantId, SLOT)).toEqual(expected.certificates);
            expect((await retentionRun(database(), retention, run)).status).toBe('done');
          }
          expect(await wronglyHashed(database(), tenantId)).toEqual([]);
          expect(await wronglyEntered(database(), tenantId)).toEqual([]);
          expect(await database().admin('select from public.retention_marks where tenant_id = $1', [tenantId])).toEqual(
            [],
          );
          removed += expected.certificates.length;
        },
      ),
      { numRuns: RUNS },
    );
    expect(removed).toBeGreaterThan(0);
    expect(steps, 'some runs were killed between two steps').toBeGreaterThan(0);
  });
});
