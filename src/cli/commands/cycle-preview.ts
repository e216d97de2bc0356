import type { CataloguedWorker } from '../../fleet/catalogue.ts';
import { RaeError } from '../../kernel/errors.ts';
import { TenantRegistry } from '../../tenant/registry.ts';
import type { Tenant } from '../../tenant/tenant.ts';
import type { Call } from '../call.ts';
import type { Answer } from '../command.ts';
import { policiesOf } from '../policies.ts';
import { table } from '../table.ts';

/** What a run would do to one class of a tenant's rows. */
type PreviewRow = {
  readonly class: string;
  readonly rows: number;
  readonly oldest: Date;
  readonly newest: Date;
  readonly effect: string;
};

interface TenantPreview {
  readonly tenant_id: string;
  /** Why a run would do nothing, where it would not even begin. */
  readonly skipped?: string;
  readonly classes: readonly PreviewRow[];
}

/**
 * Says what a run of the slot would do, and changes nothing. Tenants are looked at one after another.
 * @throws RaeError `RAE_REFUSED` for a worker that cannot say it.
 */
export async function preview(call: Call, worker: CataloguedWorker, slot: Date, only?: string): Promise<Answer> {
  const statement = worker.definition.preview;
  if (statement === undefined) {
    const able = (await call.catalogue).all.filter(({ definition }) => definition.preview !== undefined);
    throw new RaeError('RAE_REFUSED', `${worker.name} cannot say what it would do`, {
      hint: `--dry-run is for: ${able.map(({ name }) => name).join(', ')}`,
    });
  }
  if (slot.getTime() > call.ports.clock.now().getTime() + 5_000) {
    throw new RaeError('RAE_REFUSED', `${slot.toISOString()} is in the future: a slot stands for a time that has come`);
  }
  const policies = await policiesOf(call);
  const previews: TenantPreview[] = [];
  for await (const tenant of tenantsOf(call, only)) {
    const { effective, mistakes } = await policies.get(tenant.tenantId, worker.name);
    const skipped = reasonToSkip(worker, tenant, effective, mistakes);
    const classes =
      skipped === undefined
        ? await call.connection.transfers.inTenant(tenant.tenantId, (tx) =>
            tx.rows<PreviewRow>(statement, [tenant.tenantId, slot, JSON.stringify(effective)]),
          )
        : [];
    if (classes.length > 0 || only !== undefined || mistakes.length > 0) {
      previews.push({ tenant_id: tenant.tenantId, ...(skipped === undefined ? {} : { skipped }), classes });
    }
  }
  return {
    json: { worker: worker.name, slot, dry_run: true, total: totalOf(previews), tenants: previews },
    text: () => described(previews, slot, call),
  };
}

function reasonToSkip(
  { definition }: CataloguedWorker,
  { status }: Tenant,
  effective: Readonly<Record<string, unknown>> | undefined,
  mistakes: readonly string[],
): string | undefined {
  if (status === 'deleted' || (status === 'suspended' && !definition.when.servesSuspended)) return `tenant_${status}`;
  if (effective === undefined) return `policy_invalid: ${mistakes.join('; ')}`;
  return effective.enabled === false ? 'disabled' : undefined;
}

async function* tenantsOf(call: Call, only: string | undefined): AsyncGenerator<Tenant> {
  const registry = new TenantRegistry(call.connection.as('rae_operator'));
  if (only !== undefined) {
    yield await registry.show(only);
    return;
  }
  for (let after: string | undefined, more = true; more; ) {
    const page = await registry.list({ after, limit: 1_000 });
    yield* page.tenants;
    after = page.next;
    more = after !== undefined;
  }
}

/** Rows by class and effect, over all tenants. */
function totalOf(previews: readonly TenantPreview[]): Readonly<Record<string, Readonly<Record<string, number>>>> {
  const total: Record<string, Record<string, number>> = {};
  for (const { class: name, effect, rows } of previews.flatMap(({ classes }) => classes)) {
    total[name] = { ...total[name], [effect]: (total[name]?.[effect] ?? 0) + rows };
  }
  return total;
}

type ShownRow = Omit<PreviewRow, 'oldest' | 'newest'> & {
  readonly tenant: string;
  readonly oldest: Date | undefined;
  readonly newest: Date | undefined;
};

function described(previews: readonly TenantPreview[], slot: Date, call: Call): string {
  const rows = previews.flatMap(({ tenant_id: tenant, classes, skipped }): readonly ShownRow[] =>
    skipped === undefined
      ? classes.map((one) => ({ tenant, ...one }))
      : [{ tenant, class: '–', rows: 0, oldest: undefined, newest: undefined, effect: `skipped: ${skipped}` }],
  );
  const head = `nothing is changed: what a run of ${slot.toISOString()} would do`;
  if (rows.length === 0) return `${head}: nothing`;
  const columns = [
    { title: 'TENANT', value: (row: ShownRow) => row.tenant },
    { title: 'CLASS', value: (row: ShownRow) => row.class },
    { title: 'ROWS', value: (row: ShownRow) => row.rows, align: 'right' as const },
    { title: 'OLDEST', value: (row: ShownRow) => row.oldest?.toISOString() },
    { title: 'NEWEST', value: (row: ShownRow) => row.newest?.toISOString() },
    { title: 'EFFECT', value: (row: ShownRow) => row.effect },
  ];
  return `${head}\n${table(columns, rows, call.out.look)}`;
}
