import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { KIND_NAMES } from '../../src/transfer/kind.ts';
import { useDatabase } from '../support/database.ts';
import { addTenant } from '../support/tenants.ts';
import { importInto } from '../support/transfer.ts';

const database = useDatabase();
const folder = fileURLToPath(new URL('../../docs/examples/', import.meta.url));
/** In the order of the kinds: a row stands behind what it refers to. */
const files = KIND_NAMES.flatMap((kind) =>
  readdirSync(folder)
    .filter((name) => name.startsWith(`${kind}.`))
    .sort(),
);

describe('the example files', () => {
  it('are there for every kind, and all of them go in', async () => {
    // The price list goes in by `rae price import`; its own test reads it.
    expect([...files, 'model-prices.csv'].sort()).toEqual(readdirSync(folder).sort());
    for (const kind of KIND_NAMES) expect(files).toContain(`${kind}.jsonl`);
    const tenant = await addTenant(database());
    for (const name of KIND_NAMES.flatMap((kind) => files.filter((file) => file.startsWith(`${kind}.`)))) {
      const { counts } = await importInto(database(), tenant, `${folder}${name}`);
      expect({ name, ...counts }).toMatchObject({ name, imported: counts.read, rejected: 0 });
      expect(counts.read).toBeGreaterThan(0);
    }
  });
});
