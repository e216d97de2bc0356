import type { Command } from '../command.ts';
import { argument, tenantId } from '../option.ts';
import { tenantsOf } from '../tenant-source.ts';
import { tenantDetails, tenantJson } from '../tenant-view.ts';

export const tenantShow: Command = {
  overApi: true,
  name: 'show',
  does: 'Shows a tenant and its projects.',
  arguments: [argument('<tenant>', 'its id', tenantId)],
  examples: ['rae tenant show 3f2a8c54-1f7e-4c0b-9a53-0d7e2b1c9f10'],
  run: async (call) => {
    const [id] = call.args<[string]>();
    const registry = tenantsOf(call);
    const tenant = await registry.show(id);
    const projects = await registry.projects(id);
    const listed = projects.map(({ name, projectId }) => `${name} (${projectId})`).join('\n');
    return {
      json: {
        ...tenantJson(tenant),
        projects: projects.map(({ name, projectId }) => ({ project_id: projectId, name })),
      },
      text: () => tenantDetails(tenant, call.out.look.style, [['projects', listed]]),
    };
  },
};
