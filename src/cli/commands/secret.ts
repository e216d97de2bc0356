import { Option } from 'commander';
import { HOUR, SECOND } from '../../kernel/duration.ts';
import { RaeError } from '../../kernel/errors.ts';
import { MasterKeys } from '../../secrets/master-keys.ts';
import { SecretBook, type SecretVersion } from '../../secrets/secret-book.ts';
import { TenantRegistry } from '../../tenant/registry.ts';
import type { Call } from '../call.ts';
import type { Answer, Command } from '../command.ts';
import { knownTenant } from '../known-tenant.ts';
import { argument, option, tenantId, text, whole } from '../option.ts';
import { RemoteSecrets, type Secrets } from '../remote-messages.ts';
import { type SecretSource, secretValue } from '../secret-value.ts';
import { table } from '../table.ts';

const TENANT = '3f2a8c54-1f7e-4c0b-9a53-0d7e2b1c9f10';
const KEEP_HOURS = 24;
const tenant = option('--tenant <tenant>', 'its id', tenantId);
const sources = [
  option('--file <file>', 'take the value from this file; - or neither is standard input', text),
  new Option('--generate', 'make a new value that signs webhooks, and show it once'),
];

const secretSet: Command = {
  overApi: true,
  name: 'set',
  does: "Seals a tenant's secret; where there is one of this name, the new value takes its place at once.",
  arguments: [argument('<name>', 'such as webhook.billing', text)],
  needs: [tenant],
  options: sources,
  examples: [
    `rae secret set webhook.billing --tenant ${TENANT} --generate`,
    `rae secret set crm.token --tenant ${TENANT} < token.txt`,
  ],
  run: async (call) => {
    const [name] = call.args<[string]>();
    const source = call.options<SecretSource & { readonly tenant: string }>();
    const value = secretValue(source);
    return stored(call, source, value, await (await book(call, source.tenant)).set(source.tenant, name, value));
  },
};

interface RotateOptions extends SecretSource {
  readonly tenant?: string;
  readonly keepHours?: number;
  readonly master?: true;
}

const secretRotate: Command = {
  overApi: true,
  name: 'rotate',
  does: 'Gives a secret a new value while the one before stays valid for a while; or wraps the keys of all tenants by the newest master key.',
  arguments: [argument('[name]', 'of the secret', text)],
  options: [
    tenant,
    option('--keep-hours <n>', `how long the value before stays valid beside it; default ${KEEP_HOURS}`, whole(0, 720)),
    ...sources,
    new Option('--master', 'wrap the data keys by the newest key of RAE_MASTER_KEYS; of all tenants, or of --tenant'),
  ],
  examples: [
    `rae secret rotate webhook.billing --tenant ${TENANT} --generate --keep-hours 48`,
    'rae secret rotate --master',
  ],
  run: async (call) => {
    const [name] = call.args<[string | undefined]>();
    const options = call.options<RotateOptions>();
    if (options.master === true) return rewrapped(call, name, options);
    if (name === undefined || options.tenant === undefined)
      throw new RaeError('RAE_USAGE', 'which secret is to be rotated? give its name and --tenant, or --master');
    const secrets = await book(call, options.tenant);
    const value = secretValue(options);
    const keepSeconds = ((options.keepHours ?? KEEP_HOURS) * HOUR) / SECOND;
    return stored(call, options, value, await secrets.rotate(options.tenant, name, value, keepSeconds));
  },
};

const secretList: Command = {
  overApi: true,
  name: 'list',
  does: "Lists a tenant's secrets without their values.",
  needs: [tenant],
  examples: [`rae secret list --tenant ${TENANT}`],
  run: async (call) => {
    const { tenant: id } = call.options<{ tenant: string }>();
    const secrets = await (await book(call, id)).list(id);
    return {
      json: { tenant_id: id, secrets },
      text: () => (secrets.length === 0 ? 'no secret' : listed(secrets, call)),
    };
  },
};

export const secretCommand: Command = {
  name: 'secret',
  does: "Seals, rotates and lists tenants' secrets.",
  commands: [secretSet, secretRotate, secretList],
};

/** @throws RaeError `RAE_TENANT_UNKNOWN` */
async function book(call: Call, id: string): Promise<Secrets> {
  if (call.remote !== undefined) return new RemoteSecrets(call.remote);
  await knownTenant(call, id);
  return secretsOf(call);
}

function secretsOf(call: Call): SecretBook {
  return new SecretBook(call.connection.tenants, new MasterKeys(call.config.masterKeys ?? call.address.masterKeys));
}

function stored(call: Call, source: SecretSource, value: string, { name, version }: SecretVersion): Answer {
  const { tenant: id } = call.options<{ tenant: string }>();
  const shown = source.generate === true ? { value } : {};
  return {
    json: { tenant_id: id, name, version, ...shown },
    text: () => {
      const said = `${name} is sealed as version ${version}`;
      return source.generate === true ? `${said}; its value, shown this once:\n${value}` : said;
    },
  };
}

async function rewrapped(call: Call, name: string | undefined, { tenant: only }: RotateOptions): Promise<Answer> {
  if (call.remote !== undefined)
    throw new RaeError('RAE_REFUSED', '--master needs the master keys and every tenant: that is not for the API', {
      hint: 'set RAE_DATABASE_URL and RAE_MASTER_KEYS, and leave RAE_API_URL out',
    });
  if (name !== undefined)
    throw new RaeError('RAE_USAGE', '--master wraps the data keys of tenants, whatever their secrets: give no name');
  const secrets = secretsOf(call);
  const ids = only === undefined ? await allTenants(call) : [only];
  if (only !== undefined) await knownTenant(call, only);
  let changed = 0;
  for (const id of ids) {
    if (await secrets.rewrap(id)) changed += 1;
  }
  return {
    json: { tenants: ids.length, rewrapped: changed },
    text: () => `${changed} data keys are wrapped anew; tenants looked at: ${ids.length}`,
  };
}

async function allTenants(call: Call): Promise<readonly string[]> {
  const registry = new TenantRegistry(call.connection.as('rae_operator'));
  const ids: string[] = [];
  let after: string | undefined;
  do {
    const page = await registry.list({ after, limit: 1_000 });
    ids.push(...page.tenants.map(({ tenantId: id }) => id));
    after = page.next;
  } while (after !== undefined);
  return ids;
}

function listed(secrets: readonly SecretVersion[], call: Call): string {
  return table(
    [
      { title: 'NAME', value: (secret) => secret.name },
      { title: 'VERSION', value: (secret) => secret.version, align: 'right' },
      { title: 'SINCE', value: (secret) => secret.created_at.toISOString() },
      { title: 'VALID UNTIL', value: (secret) => secret.valid_until?.toISOString() ?? 'a newer one' },
    ],
    secrets,
    call.out.look,
  );
}
