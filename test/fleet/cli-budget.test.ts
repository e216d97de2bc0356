import { describe, expect, it } from 'vitest';
import { spend } from '../support/budget-scene.ts';
import { useDatabase } from '../support/database.ts';
import { startRae, useProcesses } from '../support/processes.ts';
import { addTenant } from '../support/tenants.ts';

useProcesses();
const database = useDatabase();

/** Runs `rae budget` to its end as the superuser, who is a member of every role. */
async function budget(...args: readonly string[]) {
  const env = { RAE_DATABASE_URL: database().url('admin'), RAE_REDIS_URL: 'redis://127.0.0.1:1' };
  const started = startRae(['budget', ...args], env);
  const { code } = await started.ended();
  return { code, out: started.out, err: started.err };
}

describe('rae budget', () => {
  it('sets a budget, shows what is spent of it, and takes it away', async () => {
    const tenant = await addTenant(database());
    const of = ['--tenant', tenant];
    expect(await budget('show', ...of)).toMatchObject({
      code: 0,
      out: 'no budget is set: nothing limits what is spent\n',
    });
    const set = await budget(
      'set',
      ...of,
      '--set',
      'monthly_limit_usd=500',
      '--set',
      'action_on_exceed=block',
      '--json',
    );
    expect(JSON.parse(set.out)).toMatchObject({ tenant_id: tenant, project: null, monthly_limit_usd: '500' });
    await budget('set', ...of, '--project', 'atlas', '--set', 'daily_tokens_limit=9');
    await spend(database(), tenant, [{ usd: '1.25', project: 'atlas', tokens: 10 }]);
    const shown = await budget('show', ...of, '--json');
    expect(JSON.parse(shown.out)).toMatchObject({
      budgets: [
        {
          project: null,
          alert_thresholds: [0.8, 0.9, 0.95],
          limits: [
            { meter: 'monthly_usd', limit: '500', spent: '1.25', reserved: '0', remaining: '498.75', alerted: [] },
          ],
        },
        { project: 'atlas', limits: [{ meter: 'daily_tokens', spent: '10', remaining: '-1' }] },
      ],
    });
    expect((await budget('show', ...of)).out).toContain('498.75');
    expect(await budget('set', ...of, '--project', 'atlas', '--remove')).toMatchObject({ code: 0 });
    expect(await budget('set', ...of, '--project', 'atlas', '--remove')).toMatchObject({
      code: 3,
      err: expect.stringContaining('the project "atlas" has no budget') as unknown,
    });
  });

  it('says what is wrong, and what was probably meant', async () => {
    const tenant = await addTenant(database());
    const of = ['--tenant', tenant];
    const cases: readonly (readonly [readonly string[], number, string])[] = [
      [['set', ...of, '--set', 'monthly_limit_us=5'], 2, 'did you mean monthly_limit_usd?'],
      [
        ['set', ...of, '--set', 'monthly_limit_usd=lots'],
        2,
        'monthly_limit_usd is "lots"; expected a number of US dollars',
      ],
      [['set', ...of], 2, 'nothing to change'],
      [['set', ...of, '--set', 'time_zone=Europe/Berln'], 2, 'did you mean Europe/Berlin?'],
      [['show', '--tenant', '00000000-0000-4000-8000-000000000000'], 3, 'there is no tenant'],
    ];
    for (const [args, code, says] of cases) {
      const ended = await budget(...args);
      expect(ended, args.join(' ')).toMatchObject({ code, err: expect.stringContaining(says) as unknown });
    }
  });
});
