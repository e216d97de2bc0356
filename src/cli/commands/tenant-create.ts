import { type Onboarded, onboard } from '../../access/onboarding.ts';
import { OPERATOR } from '../../audit/log.ts';
import { TenantRegistry } from '../../tenant/registry.ts';
import type { Call } from '../call.ts';
import type { Command } from '../command.ts';
import { jsonObject, option, text } from '../option.ts';
import { RemoteTenants } from '../remote-tenants.ts';
import { tenantDetails, tenantJson } from '../tenant-view.ts';

interface Options {
  readonly name: string;
  readonly plan: string;
  readonly adminEmail?: string;
  readonly externalId?: string;
  readonly metadata?: Readonly<Record<string, unknown>>;
}

export const tenantCreate: Command = {
  overApi: true,
  name: 'create',
  does: 'Makes a tenant with its project "default", its first admin, the budget and rules of its plan, and an API key, shown this once.',
  needs: [option('--name <name>', 'what the tenant is called, 1 to 255 characters', text)],
  options: [
    option('--plan <plan>', 'free, pro or enterprise', text).default('free'),
    option('--admin-email <address>', 'whom to write to about it', text),
    option('--external-id <text>', 'what you call it: called again with the same one, the tenant is found', text),
    option('--metadata <json>', 'a JSON object to keep with it', jsonObject),
  ],
  examples: [
    'rae tenant create --name "Acme Corp" --plan enterprise --admin-email admin@acme.com',
    `rae tenant create --name Initech --metadata '{"region":"eu"}' --json`,
  ],
  run: async (call) => {
    const { tenant, project, apiKey, made } = await create(call, call.options<Options>());
    const key = apiKey ?? 'not shown again; make another with: rae key create';
    return {
      json: {
        ...tenantJson(tenant),
        project_id: project.projectId,
        project: project.name,
        api_key: apiKey ?? null,
        created: made,
      },
      text: () =>
        tenantDetails(tenant, call.out.look.style, [
          ['project', `${project.name} (${project.projectId})`],
          ['API key', key],
        ]),
    };
  },
};

function create(call: Call, { name, plan, adminEmail, externalId, metadata }: Options): Promise<Onboarded> {
  const tenant = { name, plan, adminEmail, metadata };
  if (call.remote !== undefined) return new RemoteTenants(call.remote).create(tenant, externalId);
  return onboard(new TenantRegistry(call.connection.as('rae_operator')), { ...tenant, externalId }, OPERATOR);
}
