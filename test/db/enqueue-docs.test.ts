import { readFileSync } from 'node:fs';
import { beforeAll, describe, expect, it } from 'vitest';
import { enqueueIn } from '../../src/client/client.ts';
import { useDatabase } from '../support/database.ts';
import { connected } from '../support/server.ts';
import { addTenant } from '../support/tenants.ts';

const database = useDatabase();
const page = readFileSync(new URL('../../docs/enqueue.md', import.meta.url), 'utf8');
const blocks = (language: string): readonly string[] =>
  [...page.matchAll(new RegExp(`\`\`\`${language}\\n([^]*?)\`\`\``, 'g'))].map(([, code]) => code ?? '');
let tenant = '';

beforeAll(async () => {
  tenant = await addTenant(database());
});

const runs = () =>
  database().admin<{ run_id: string }>('select run_id from public.runs where tenant_id = $1', [tenant]);

describe('the examples of docs/enqueue.md', () => {
  it('have statements for asyncpg that ask for one run, once the transaction commits and never before', async () => {
    const texts = [...(blocks('python')[0] ?? '').matchAll(/"((?:select|insert) [^"]+)"/g)].map(
      ([, text]) => text ?? '',
    );
    expect(texts).toHaveLength(3);
    const values = [[tenant], [tenant, 'seen'], ['decay', '{}', 'once']];
    await connected(database().url('rae_api'), async (client) => {
      for (const end of ['rollback', 'commit', 'commit']) {
        await client.query('begin');
        for (const [at, text] of texts.entries()) await client.query(text, values[at]);
        await client.query(end);
        expect(await runs()).toHaveLength(end === 'rollback' ? 0 : 1);
      }
    });
  });

  it('do in psql what the page says', async () => {
    const script = blocks('sql').find((block) => block.includes('gset')) ?? '';
    const kept = new Map([['tenant', tenant]]);
    const given: Record<string, unknown>[] = [];
    await connected(database().url('rae_api'), async (client) => {
      for (const [statement = '', end] of script.matchAll(/[^;\\]+(;|\\gset)/g)) {
        const text = statement
          .replace(/(;|\\gset)$/, '')
          .replace(/:'(\w+)'/g, (_all, name: string) => client.escapeLiteral(kept.get(name) ?? ''));
        const { rows } = await client.query<Record<string, unknown>>(text);
        given.push(...rows);
        if (end === '\\gset') for (const [name, value] of Object.entries(rows[0] ?? {})) kept.set(name, String(value));
      }
    });
    expect(given.at(-1)).toEqual({ state: 'owed', attempt: 0 });
  });

  it('are what the client does in a transaction of its caller', async () => {
    const before = await runs();
    await connected(database().url('rae_api'), async (client) => {
      const ids: string[] = [];
      for (const end of ['rollback', 'commit']) {
        await client.query('begin');
        await client.query('select public.rae_enter_tenant($1)', [tenant]);
        ids.push(await enqueueIn(client, 'decay', {}, { availableAt: new Date() }));
        await client.query(end);
      }
      const added = (await runs()).map(({ run_id: id }) => id).filter((id) => !before.some((one) => one.run_id === id));
      expect(added).toEqual([ids[1]]);
    });
  });
});
