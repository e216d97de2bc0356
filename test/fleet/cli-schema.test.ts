import { afterEach, expect, it } from 'vitest';
import { useDatabase } from '../support/database.ts';
import { startRae, useProcesses } from '../support/processes.ts';

useProcesses();
const database = useDatabase();

afterEach(() => database().admin('delete from public.schema_migrations where version = 9999'));

async function tenantList() {
  const env = { RAE_DATABASE_URL: database().url('admin'), XDG_STATE_HOME: '/nonexistent' };
  const started = startRae(['tenant', 'list'], env);
  const { code } = await started.ended();
  return { code, err: started.err };
}

async function migrated(name: string, breaking: boolean) {
  const row = [9999, name, 'a'.repeat(64), breaking];
  await database().admin('insert into public.schema_migrations values ($1, $2, $3, $4)', row);
}

it('a command refuses a database with a breaking migration that it does not know', async () => {
  await migrated('rebuild_everything', true);
  const { code, err } = await tenantList();
  expect(code).toBe(4);
  expect(err).toContain('error: the database has the breaking migration 9999 (rebuild_everything)');
});

it('a command works on a database with a newer migration that breaks nothing', async () => {
  await migrated('add_a_column', false);
  expect((await tenantList()).code).toBe(0);
});

it('a command says what a database lacks, and how to bring it', async () => {
  const [first] = await database().admin<{ text: string }>(
    'delete from public.schema_migrations where version = 1 returning to_json(schema_migrations)::text as text',
  );
  try {
    const { code, err } = await tenantList();
    expect(code).toBe(4);
    expect(err).toContain(
      'error: the schema is behind this release (missing: migrations 1, functions 0)\nbring it up to date with: rae migrate',
    );
  } finally {
    await database().admin(
      'insert into public.schema_migrations select * from json_populate_record(null::public.schema_migrations, $1)',
      [first?.text],
    );
  }
});
