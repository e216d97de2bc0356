import { RaeError } from '../../kernel/errors.ts';
import { SHARE_BOUNDS } from '../../tenant/share.ts';
import { clean } from '../cell.ts';
import type { Command } from '../command.ts';
import { argument, decimal, option, orWord, tenantId, whole } from '../option.ts';
import { tenantsOf } from '../tenant-source.ts';
import { shownShare, tenantJson } from '../tenant-view.ts';

const BY_PLAN = 'by-plan';

interface Options {
  readonly weight?: number | typeof BY_PLAN;
  readonly cap?: number | typeof BY_PLAN;
}

export const tenantSetShare: Command = {
  overApi: true,
  name: 'set-share',
  does: "Sets a tenant's weight against others and its cap on runs at once, apart from its plan; dispatch follows at once.",
  arguments: [argument('<tenant>', 'its id', tenantId)],
  options: [
    option(
      '--weight <n>',
      `its share of worker time against others, with at most three decimals, or ${BY_PLAN}`,
      orWord(BY_PLAN, decimal(...SHARE_BOUNDS.weight, 3)),
    ),
    option(
      '--cap <n>',
      `how many of its runs may execute at once, or ${BY_PLAN}`,
      orWord(BY_PLAN, whole(...SHARE_BOUNDS.runCap)),
    ),
  ],
  examples: [
    'rae tenant set-share 3f2a8c54-1f7e-4c0b-9a53-0d7e2b1c9f10 --weight 5 --cap 20',
    `rae tenant set-share 3f2a8c54-1f7e-4c0b-9a53-0d7e2b1c9f10 --weight ${BY_PLAN}`,
  ],
  run: async (call) => {
    const [id] = call.args<[string]>();
    const { weight, cap } = call.options<Options>();
    if (weight === undefined && cap === undefined)
      throw new RaeError('RAE_USAGE', 'nothing to change: give --weight or --cap');
    const registry = tenantsOf(call);
    const { tenant, changed } = await registry.setShare(id, {
      weight: weight === BY_PLAN ? null : weight,
      runCap: cap === BY_PLAN ? null : cap,
    });
    const name = call.out.look.style(clean(tenant.name), 'strong');
    return {
      json: { ...tenantJson(tenant), changed },
      text: () => `${name} ${changed ? 'has now' : 'had already'} ${shownShare(tenant)}`,
    };
  },
};
