import { TenantRegistry } from '../../tenant/registry.ts';
import type { Command } from '../command.ts';
import { jsonObject, option, text } from '../option.ts';
import { tenantDetails, tenantJson } from '../tenant-view.ts';

interface Options {
  readonly name: string;
  readonly plan: string;
  readonly adminEmail?: string;
  readonly metadata?: Readonly<Record<string, unknown>>;
}

export const tenantCreate: Command = {
  name: 'create',
  does: 'Makes a tenant with its project "default".',
  needs: [option('--name <name>', 'what the tenant is called, 1 to 255 characters', text)],
  options: [
    option('--plan <plan>', 'free, pro or enterprise', text).default('free'),
    option('--admin-email <address>', 'whom to write to about it', text),
    option('--metadata <json>', 'a JSON object to keep with it', jsonObject),
  ],
  examples: [
    'rae tenant create --name "Acme Corp" --plan enterprise --admin-email admin@acme.com',
    `rae tenant create --name Initech --metadata '{"region":"eu"}' --json`,
  ],
  run: async (call) => {
    const registry = new TenantRegistry(call.connection.as('rae_operator'));
    const { tenant, project } = await registry.create(call.options<Options>());
    return {
      json: { ...tenantJson(tenant), project_id: project.projectId, project: project.name },
      text: () => tenantDetails(tenant, call.out.look.style, [['project', `${project.name} (${project.projectId})`]]),
    };
  },
};
