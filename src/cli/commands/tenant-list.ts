import { TENANT_STATUSES, type TenantStatus } from '../../tenant/tenant.ts';
import type { Command } from '../command.ts';
import { oneOf, option, tenantId, text, whole } from '../option.ts';
import { table } from '../table.ts';
import { tenantsOf } from '../tenant-source.ts';
import { TENANT_COLUMNS, tenantJson } from '../tenant-view.ts';

interface Options {
  readonly status?: TenantStatus;
  readonly plan?: string;
  readonly limit: number;
  readonly after?: string;
}

export const tenantList: Command = {
  overApi: true,
  name: 'list',
  does: 'Lists tenants in the order of their ids, a page at a time.',
  options: [
    option('--status <status>', TENANT_STATUSES.join(', '), oneOf(TENANT_STATUSES)),
    option('--plan <plan>', 'only tenants of this plan', text),
    option('--limit <n>', 'most tenants on the page, up to 1000', whole(1, 1_000)).default(50),
    option('--after <tenant>', 'the last tenant of the page before', tenantId),
  ],
  examples: ['rae tenant list --plan enterprise', 'rae tenant list --status suspended --limit 1000 --json'],
  run: async (call) => {
    const options = call.options<Options>();
    const registry = tenantsOf(call);
    const { tenants, next } = await registry.list(options);
    if (!call.json && tenants.length === 0) call.out.say('no tenants');
    if (!call.json && next !== undefined) call.out.say(`there are more: --after ${next}`);
    return {
      json: { tenants: tenants.map(tenantJson), next: next ?? null },
      text: () => table(TENANT_COLUMNS, tenants, call.out.look),
    };
  },
};
