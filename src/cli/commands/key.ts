import { Option } from 'commander';
import { KeyBook, type KeyRecord } from '../../access/key-book.ts';
import { TENANT_ROLES, type TenantRole } from '../../access/role.ts';
import { OPERATOR } from '../../audit/log.ts';
import type { Call } from '../call.ts';
import type { Command } from '../command.ts';
import { knownTenant } from '../known-tenant.ts';
import { argument, instant, oneOf, option, repeated, tenantId, text } from '../option.ts';
import { RemoteKeys } from '../remote-tenant.ts';
import { table } from '../table.ts';

const TENANT = '3f2a8c54-1f7e-4c0b-9a53-0d7e2b1c9f10';
const tenant = option('--tenant <tenant>', 'its id', tenantId);

interface CreateOptions {
  readonly tenant: string;
  readonly name: string;
  readonly role: TenantRole;
  readonly scope?: readonly string[];
  readonly project?: string;
  readonly expires?: Date;
}

const create: Command = {
  overApi: true,
  name: 'create',
  does: 'Makes an API key of a tenant, and shows it this once. To rotate one, make another and revoke the old one later.',
  needs: [tenant, option('--name <name>', 'what it is for', text)],
  options: [
    option('--role <role>', TENANT_ROLES.join(', '), oneOf(TENANT_ROLES)).default('service_account'),
    repeated('--scope <permission>', 'only this of what the role may; may be given several times', text),
    option('--project <name>', 'only for this project', text),
    option('--expires <instant>', 'until then; default: until it is revoked', instant),
  ],
  examples: [
    `rae key create --tenant ${TENANT} --name api-server`,
    `rae key create --tenant ${TENANT} --name dashboard --role tenant_viewer --expires 2027-06-30`,
  ],
  run: async (call) => {
    const { tenant: id, name, role, scope, project, expires } = call.options<CreateOptions>();
    const key = { name, role, scopes: scope, project, expiresAt: expires };
    const { keyId, text: apiKey } = await (await book(call, id)).create(id, key, OPERATOR);
    return {
      json: { tenant_id: id, key_id: keyId, name, role, api_key: apiKey },
      text: () => `key ${keyId} (${role}) is made; it is shown this once:\n${apiKey}`,
    };
  },
};

const list: Command = {
  overApi: true,
  name: 'list',
  does: "Lists a tenant's API keys without what they are.",
  needs: [tenant],
  options: [new Option('--revoked', 'those that were revoked as well')],
  examples: [`rae key list --tenant ${TENANT}`],
  run: async (call) => {
    const { tenant: id, revoked } = call.options<{ tenant: string; revoked?: true }>();
    const keys = await (await book(call, id)).list(id, revoked === true);
    return { json: { tenant_id: id, keys }, text: () => (keys.length === 0 ? 'no key' : listed(keys, call)) };
  },
};

const revoke: Command = {
  overApi: true,
  name: 'revoke',
  does: 'Revokes an API key: it is refused from the next request on, everywhere.',
  arguments: [argument('<key>', 'its id', text)],
  needs: [tenant],
  examples: [`rae key revoke 5d0c6a1f2b3e4d5c --tenant ${TENANT}`],
  destroys: () => 'Whoever uses the key is refused from now on, and it cannot be made valid again.',
  run: async (call) => {
    const [keyId] = call.args<[string]>();
    const { tenant: id } = call.options<{ tenant: string }>();
    const { changed } = await (await book(call, id)).revoke(id, keyId, OPERATOR);
    return {
      json: { tenant_id: id, key_id: keyId, revoked: true, changed },
      text: () => (changed ? `key ${keyId} is revoked` : `key ${keyId} was revoked before`),
    };
  },
};

export const keyCommand: Command = {
  name: 'key',
  does: "Makes, lists and revokes tenants' API keys.",
  commands: [create, list, revoke],
};

/** @throws RaeError `RAE_TENANT_UNKNOWN` */
async function book(call: Call, id: string): Promise<Pick<KeyBook, 'create' | 'list' | 'revoke'>> {
  if (call.remote !== undefined) return new RemoteKeys(call.remote);
  await knownTenant(call, id);
  return new KeyBook(call.connection.tenants);
}

function listed(keys: readonly KeyRecord[], call: Call): string {
  return table(
    [
      { title: 'KEY', value: (key) => key.key_id },
      { title: 'NAME', value: (key) => key.name, shrinks: true },
      { title: 'ROLE', value: (key) => key.role },
      { title: 'SCOPES', value: (key) => key.scopes?.join(' ') ?? 'all', shrinks: true },
      { title: 'PROJECT', value: (key) => key.project ?? 'all' },
      { title: 'CREATED', value: (key) => key.created_at.toISOString() },
      { title: 'EXPIRES', value: (key) => key.expires_at?.toISOString() },
      { title: 'LAST USED', value: (key) => key.last_used_at?.toISOString() },
      { title: 'REVOKED', value: (key) => key.revoked_at?.toISOString() },
    ],
    keys,
    call.out.look,
  );
}
