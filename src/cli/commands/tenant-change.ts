import type { Argument } from 'commander';
import { PLACEMENTS, type TenantChange } from '../../tenant/tenant.ts';
import type { Call } from '../call.ts';
import { clean } from '../cell.ts';
import type { Answer, Command } from '../command.ts';
import { argument, oneOf, tenantId, text } from '../option.ts';
import type { Tenants } from '../remote-tenants.ts';
import { tenantsOf } from '../tenant-source.ts';
import { tenantJson } from '../tenant-view.ts';

const ID = '3f2a8c54-1f7e-4c0b-9a53-0d7e2b1c9f10';

/** A command that sets one thing about a tenant and says whether that changed anything. */
function changing(
  name: string,
  does: string,
  further: readonly Argument[],
  example: string,
  change: (registry: Tenants, args: readonly [tenantId: string, value: string]) => Promise<TenantChange>,
): Command {
  return {
    overApi: true,
    name,
    does,
    arguments: [argument('<tenant>', 'its id', tenantId), ...further],
    examples: [example],
    run: async (call) => answerOf(call, await change(tenantsOf(call), call.args())),
  };
}

function answerOf(call: Call, { tenant, changed }: TenantChange): Answer {
  const { name, status, plan, placed, placement } = tenant;
  const already = changed ? 'is now' : 'was already';
  const where = `${placed}${placement === undefined ? ' by its plan' : ''}`;
  return {
    json: { ...tenantJson(tenant), changed },
    text: () => `${call.out.look.style(clean(name), 'strong')} ${already} ${status}, on plan ${plan}, placed ${where}`,
  };
}

export const tenantSuspend = changing(
  'suspend',
  'Stops all work for a tenant; what it has stays, and what falls due meanwhile is skipped with that reason.',
  [],
  `rae tenant suspend ${ID}`,
  (registry, [id]) => registry.suspend(id),
);

export const tenantResume = changing(
  'resume',
  'Lets a suspended tenant be worked for again.',
  [],
  `rae tenant resume ${ID}`,
  (registry, [id]) => registry.resume(id),
);

export const tenantSetPlan = changing(
  'set-plan',
  'Gives a tenant another plan: its weight, its cap and, unless it was placed by hand, its queues.',
  [argument('<plan>', 'free, pro or enterprise', text)],
  `rae tenant set-plan ${ID} pro`,
  (registry, [id, plan]) => registry.setPlan(id, plan),
);

const PLACED = [...PLACEMENTS, 'by-plan'] as const;

export const tenantPlace = changing(
  'place',
  "Says where a tenant's runs wait: in shared queues, in queues of its own, in quarantine apart from all others, or as its plan says.",
  [argument('<placement>', PLACED.join(', '), oneOf(PLACED))],
  `rae tenant place ${ID} dedicated`,
  (registry, [id, placement]) =>
    registry.place(
      id,
      PLACEMENTS.find((one) => one === placement),
    ),
);
