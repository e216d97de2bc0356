import { canonicalJson } from '../../kernel/canonical-json.ts';
import type { TenantPolicy } from '../../tenant/policy-book.ts';
import { PolicyShape } from '../../tenant/policy-shape.ts';
import type { Call } from '../call.ts';
import type { Command } from '../command.ts';
import { argument, option, tenantId, text } from '../option.ts';
import { policiesOf } from '../policies.ts';
import { table } from '../table.ts';
import { workerNamed } from '../worker-name.ts';

/** What a policy is in the keys of `--json`. */
export function policyJson(tenant: string, worker: string, policy: TenantPolicy): Readonly<Record<string, unknown>> {
  const { version, document, effective, mistakes } = policy;
  return { tenant_id: tenant, worker, version, document, effective: effective ?? null, mistakes };
}

/** A policy field by field: its value, whether the tenant or the default says so, and what it means. */
export async function policyText(call: Call, worker: string, policy: TenantPolicy): Promise<string> {
  const shape = new PolicyShape(workerNamed(await call.catalogue, worker).definition.contract.policy);
  const { document, effective } = policy;
  const rows = Object.entries(effective ?? document).map(([field, value]) => ({
    field,
    value: typeof value === 'string' ? value : canonicalJson(value),
    from: Object.hasOwn(document, field) ? 'tenant' : 'default',
    means: shape.meaningAt([field]) ?? '',
  }));
  return table(
    [
      { title: 'FIELD', value: ({ field }) => field },
      { title: 'VALUE', value: ({ value }) => value, tone: ({ from }) => (from === 'tenant' ? 'strong' : undefined) },
      { title: 'FROM', value: ({ from }) => from },
      { title: 'MEANS', value: ({ means }) => means, shrinks: true, tone: () => 'dim' },
    ],
    rows,
    call.out.look,
  );
}

export const policyGet: Command = {
  overApi: true,
  name: 'get',
  does: "Shows a tenant's policy for a worker: what it has set and what is left at its default.",
  arguments: [argument('<worker>', 'whose policy, as in rae worker list', text)],
  needs: [option('--tenant <tenant>', 'its id', tenantId)],
  examples: ['rae policy get decay --tenant 3f2a8c54-1f7e-4c0b-9a53-0d7e2b1c9f10'],
  run: async (call) => {
    const [worker] = call.args<[string]>();
    const { tenant } = call.options<{ readonly tenant: string }>();
    workerNamed(await call.catalogue, worker);
    const policy = await (await policiesOf(call)).get(tenant, worker);
    if (policy.effective === undefined) {
      call.warn(`the stored policy does not fit ${worker}; its runs fail until it is corrected:`);
      for (const mistake of policy.mistakes) call.out.say(`  ${mistake}`);
    }
    const shown = await policyText(call, worker, policy);
    return { json: policyJson(tenant, worker, policy), text: () => shown };
  },
};
