import { afterEach, describe, expect, it } from 'vitest';
import { loadCatalogue } from '../../workers/index.ts';
import { ContractScene } from '../support/contract-scene.ts';
import { eventually } from '../support/eventually.ts';
import { connected } from '../support/server.ts';

const catalogue = await loadCatalogue();
const opened: ContractScene[] = [];

afterEach(async () => {
  await Promise.all(opened.splice(0).map((scene) => scene.database.close()));
});

async function sceneOf(name: string): Promise<ContractScene> {
  const scene = await ContractScene.open(catalogue.get(name));
  opened.push(scene);
  return scene;
}

/** How a run of this worker ends that nothing disturbs: what it leaves, and in how many steps it got there. */
async function undisturbed(name: string): Promise<{ readonly leaves: unknown; readonly steps: number }> {
  const scene = await sceneOf(name);
  let steps = 0;
  const run = await scene.perform({
    steps: (step) => {
      steps += 1;
      return step();
    },
  });
  expect(run).toMatchObject({ state: 'done', attempt: 1 });
  return { leaves: await scene.digest(scene.tenantId), steps };
}

/** Ends the backend of `step` while it waits for the tables of its effect, so that it is cut in the middle. */
async function cutInTheMiddle<T>(scene: ContractScene, step: () => Promise<T>): Promise<T> {
  const tables = (await scene.dataTables()).map((table) => `public.${table}`).join(', ');
  return await connected(scene.database.url('admin'), async (client) => {
    await client.query('begin');
    await client.query(`lock table ${tables} in access exclusive mode`);
    const cut = step();
    const ended = eventually(
      async () => {
        const rows = await scene.database.admin(
          `select pg_terminate_backend(pid) from pg_catalog.pg_stat_activity
            where datname = current_database() and wait_event_type = 'Lock' and application_name = 'rae test rae_worker'`,
        );
        return rows.length > 0 ? true : undefined;
      },
      { what: 'the step to wait for its tables' },
    );
    try {
      await Promise.all([ended, cut.catch(() => undefined)]);
    } finally {
      await client.query('rollback');
    }
    return await cut;
  });
}

describe.each(catalogue.names)('the worker %s', (name) => {
  const worker = catalogue.get(name);
  const { contract } = worker.definition;

  it('has a default for everything that may be tuned, and refuses what it does not know', () => {
    expect(contract.policy.safeParse({}).success).toBe(true);
    expect(contract.settings.safeParse({}).success).toBe(true);
    for (const schema of [contract.policy, contract.settings, contract.payload]) {
      expect(schema.safeParse({ no_such_field: 1 }).success).toBe(false);
    }
  });

  it('has only statements that its role may prepare', async () => {
    const scene = await sceneOf(name);
    const { definition, performFunction } = worker;
    const own = definition.how.kind === 'perform' ? Object.values(definition.sql?.statements ?? {}) : [];
    const statements = [...own, ...(performFunction === undefined ? [] : [performFunction.call])];
    expect(statements.length).toBeGreaterThan(0);
    await connected(scene.database.url('rae_worker'), async (client) => {
      await client.query('begin');
      await client.query('select public.rae_enter_tenant($1)', [scene.tenantId]);
      for (const [at, { text }] of statements.entries()) {
        await expect(client.query(`prepare statement_${at} as ${text}`)).resolves.toBeDefined();
      }
    });
  });

  it('changes nothing when it runs a second time for the same slot', async () => {
    const scene = await sceneOf(name);
    const before = await scene.digest(scene.tenantId);
    expect(await scene.perform()).toMatchObject({ state: 'done', attempt: 1 });
    const after = await scene.digest(scene.tenantId);
    expect(after, 'the first time it has an effect').not.toEqual(before);
    expect(await scene.perform()).toMatchObject({ state: 'done', attempt: 2 });
    expect(await scene.digest(scene.tenantId)).toEqual(after);
  });

  it('leaves every byte of another tenant as it was', async () => {
    const scene = await sceneOf(name);
    const before = await scene.digest(scene.otherId, 'with the books');
    await scene.perform();
    expect(await scene.digest(scene.otherId, 'with the books')).toEqual(before);
  });

  it('comes to the same end when its session is ended inside any step', async () => {
    const { leaves, steps } = await undisturbed(name);
    for (let at = 1; at <= steps; at += 1) {
      const scene = await sceneOf(name);
      let taken = 0;
      const run = await scene.perform({
        steps: (step) => {
          taken += 1;
          return taken === at ? cutInTheMiddle(scene, step) : step();
        },
      });
      expect(run, `cut in step ${at} of ${steps}`).toMatchObject({ state: 'owed', reason: 'retry', failures: 1 });
      expect(await scene.perform(), `cut in step ${at} of ${steps}`).toMatchObject({ state: 'done' });
      expect(await scene.digest(scene.tenantId), `cut in step ${at} of ${steps}`).toEqual(leaves);
    }
  });

  it('yields after any step when its process drains, and comes to the same end', async () => {
    const { leaves, steps } = await undisturbed(name);
    for (let after = 1; after < steps; after += 1) {
      const scene = await sceneOf(name);
      let taken = 0;
      const run = await scene.perform({
        steps: (step) => {
          taken += 1;
          return step();
        },
        draining: () => taken >= after,
      });
      expect(run, `drained after step ${after}`).toMatchObject({ state: 'owed', reason: 'yielded', failures: 0 });
      expect(await scene.perform()).toMatchObject({ state: 'done' });
      expect(await scene.digest(scene.tenantId), `drained after step ${after}`).toEqual(leaves);
    }
    expect(steps).toBeGreaterThan(0);
  });

  it('changes nothing for a tenant that is suspended or deleted, or that has switched it off or broken its policy', async () => {
    const cases: readonly (readonly [string, Record<string, unknown>])[] = [
      ["update public.tenants set status = 'deleted'", { state: 'skipped', reason: 'tenant_deleted' }],
      ...(worker.definition.when.servesSuspended
        ? []
        : [
            [
              "update public.tenants set status = 'suspended'",
              { state: 'skipped', reason: 'tenant_suspended' },
            ] as const,
          ]),
      [
        `insert into public.policies (tenant_id, worker, document) select tenant_id, '${name}', '{"enabled": false}' from public.tenants`,
        'enabled' in worker.defaultPolicy ? { state: 'skipped', reason: 'disabled' } : { state: 'dead' },
      ],
      [
        `insert into public.policies (tenant_id, worker, document) select tenant_id, '${name}', '{"no_such_field": 1}' from public.tenants`,
        { state: 'dead', reason: 'policy_invalid' },
      ],
    ];
    for (const [change, end] of cases) {
      const scene = await sceneOf(name);
      await scene.database.admin(change);
      const before = await scene.digest(scene.tenantId);
      expect(await scene.perform(), change).toMatchObject(end);
      expect(await scene.digest(scene.tenantId), change).toEqual(before);
    }
  });
});
