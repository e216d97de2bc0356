import type { TenantQuota } from '../tenant/quota.ts';
import { type Look, table } from './table.ts';

/** A tenant's quotas, a line each. */
export function quotaLines(quotas: readonly TenantQuota[], look: Look): string {
  return table(
    [
      { title: 'QUOTA', value: ({ quota }) => quota },
      { title: 'USED', value: ({ used }) => (used === null ? undefined : shown(used)), align: 'right' },
      { title: 'LIMIT', value: ({ limit }) => (limit === null ? 'unlimited' : shown(limit)), align: 'right' },
      { title: 'LEFT', value: ({ remaining }) => (remaining === null ? undefined : shown(remaining)), align: 'right' },
      { title: 'BY', value: ({ by }) => by },
    ],
    quotas,
    look,
  );
}

function shown(value: number): string {
  return Number(value.toFixed(6)).toString();
}
