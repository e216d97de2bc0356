import { readFileSync } from 'node:fs';
import { beforeAll, describe, expect, it } from 'vitest';
import { useDatabase } from '../support/database.ts';
import { connected } from '../support/server.ts';

const database = useDatabase();
const TENANT = '3f2a8c54-1f7e-4c0b-9a53-0d7e2b1c9f10';
const page = readFileSync(new URL('../../docs/budgets.md', import.meta.url), 'utf8');
const blocks = (language: string): readonly string[] =>
  [...page.matchAll(new RegExp(`\`\`\`${language}\\n([^]*?)\`\`\``, 'g'))].map(([, code]) => code ?? '');

beforeAll(async () => {
  await database().admin("insert into public.tenants (tenant_id, name) values ($1, 'acme')", [TENANT]);
});

/** Runs a block as psql does: statements one by one, `\gset` keeps the last row's values, `:'name'` uses one. */
async function asPsql(script: string): Promise<readonly Record<string, unknown>[]> {
  const kept = new Map<string, string>();
  return await connected(database().url('rae_api'), async (client) => {
    let last: Record<string, unknown>[] = [];
    for (const [statement = '', end] of script.matchAll(/[^;\\]+(;|\\gset)/g)) {
      const text = statement
        .replace(/(;|\\gset)$/, '')
        .replace(/:'(\w+)'/g, (_all, name: string) => client.escapeLiteral(kept.get(name) ?? ''));
      const { rows } = await client.query<Record<string, unknown>>(text);
      if (rows.length > 0) last = rows;
      if (end === '\\gset') for (const [name, value] of Object.entries(rows[0] ?? {})) kept.set(name, String(value));
    }
    return last;
  });
}

describe('the examples of docs/budgets.md', () => {
  it('do in psql what the page says', async () => {
    const [set = '', ask = '', settle = '', profile = ''] = blocks('sql');
    await asPsql(set);
    expect(await asPsql(ask)).toEqual([{ allowed: true, reason: 'within_budget', remaining_usd: '20' }]);
    await asPsql(settle);
    expect(await asPsql(ask)).toEqual([{ allowed: true, reason: 'within_budget', remaining_usd: '19.996550' }]);
    expect(await asPsql(profile)).toEqual([
      { model: 'gpt-4o', reason: 'below_thresholds: 0.003450 of 200 budget_usd_monthly' },
    ]);
  });

  it('have statements for asyncpg that do it too, and the error they name', async () => {
    const texts = [...(blocks('python')[0] ?? '').matchAll(/"(select [^"]+)"/g)].map(([, text]) => text ?? '');
    expect(texts).toHaveLength(4);
    const cost = JSON.stringify({ model: 'gpt-4o', provider: 'openai', operation: 'query', total_cost_usd: '0.5' });
    const values = [[TENANT], ['0.05', 'atlas'], [TENANT], ['', cost]];
    await connected(database().url('rae_api'), async (client) => {
      let reservation = '';
      for (const [at, text] of texts.entries()) {
        if (at % 2 === 0) await client.query('begin');
        const given = at === 3 ? [reservation, cost] : values[at];
        const { rows } = await client.query<{ rae_budget_reserve?: string }>(text, given);
        reservation = rows[0]?.rae_budget_reserve ?? reservation;
        if (at % 2 === 1) await client.query('commit');
      }
      await client.query('begin');
      await client.query(texts[0] ?? '', [TENANT]);
      await expect(client.query(texts[1] ?? '', ['20', 'atlas'])).rejects.toMatchObject({ code: '53400' });
    });
  });
});
