import { RaeError } from '../../kernel/errors.ts';
import { QUOTA_NAMES, QUOTAS, type Quota, type QuotaChange, type TenantQuota } from '../../tenant/quota.ts';
import { QuotaBook, setQuotas } from '../../tenant/quota-book.ts';
import type { Call } from '../call.ts';
import type { Command } from '../command.ts';
import { knownTenant } from '../known-tenant.ts';
import { argument, decimal, option, orWord, tenantId, whole } from '../option.ts';
import { quotaLines } from '../quota-view.ts';
import { RemoteTenants } from '../remote-tenants.ts';

const BY_PLAN = 'by-plan';
const UNLIMITED = 'unlimited';

/** `--max-memories` of `max_memories`. */
const flagOf = (quota: Quota) => `--${quota.replaceAll('_', '-')}`;
const camelOf = (quota: Quota) => quota.replace(/_(.)/g, (_all, letter: string) => letter.toUpperCase());

type Given = number | typeof BY_PLAN | typeof UNLIMITED;

export const tenantSetQuota: Command = {
  overApi: true,
  name: 'set-quota',
  does: 'Sets what a tenant may have and ask for, apart from its plan; it holds from the next request on.',
  arguments: [argument('<tenant>', 'its id', tenantId)],
  options: QUOTA_NAMES.map((quota) =>
    option(
      `${flagOf(quota)} <n>`,
      `most ${QUOTAS[quota]}; or ${UNLIMITED}, or ${BY_PLAN}`,
      orWord(BY_PLAN, orWord(UNLIMITED, quota === 'max_storage_gb' ? decimal(0, 1e12, 3) : whole(0, 1e12))),
    ),
  ),
  examples: [
    'rae tenant set-quota 3f2a8c54-1f7e-4c0b-9a53-0d7e2b1c9f10 --max-memories 50000 --max-storage-gb 2.5',
    `rae tenant set-quota 3f2a8c54-1f7e-4c0b-9a53-0d7e2b1c9f10 --max-backlog ${BY_PLAN}`,
  ],
  run: async (call) => {
    const [id] = call.args<[string]>();
    const given = call.options<Readonly<Record<string, Given | undefined>>>();
    const change = Object.fromEntries(
      QUOTA_NAMES.flatMap((quota) => {
        const value = given[camelOf(quota)];
        return value === undefined ? [] : [[quota, value === UNLIMITED ? null : value]];
      }),
    ) as QuotaChange;
    if (Object.keys(change).length === 0)
      throw new RaeError('RAE_USAGE', `nothing to change: give ${QUOTA_NAMES.map(flagOf).join(' or ')}`);
    const quotas = await set(call, id, change);
    return { json: { tenant_id: id, quotas }, text: () => quotaLines(quotas, call.out.look) };
  },
};

async function set(call: Call, id: string, change: QuotaChange): Promise<readonly TenantQuota[]> {
  if (call.remote !== undefined) return new RemoteTenants(call.remote).setQuotas(id, change);
  await knownTenant(call, id);
  await setQuotas(call.connection.as('rae_operator'), id, change);
  return new QuotaBook(call.connection.tenants).list(id);
}
