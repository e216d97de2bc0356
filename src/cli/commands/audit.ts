import { Option } from 'commander';
import { AuditLog, type AuditRecord, FLEET_LOG } from '../../audit/log.ts';
import { EXIT, RaeError } from '../../kernel/errors.ts';
import type { Call } from '../call.ts';
import type { Command } from '../command.ts';
import { knownTenant } from '../known-tenant.ts';
import { option, tenantId, text, whole } from '../option.ts';
import type { Remote } from '../remote.ts';
import { RemoteAudit } from '../remote-tenant.ts';
import { table } from '../table.ts';

const TENANT = '3f2a8c54-1f7e-4c0b-9a53-0d7e2b1c9f10';
const whose = [
  option('--tenant <tenant>', 'the log of this tenant', tenantId),
  new Option('--fleet', 'the log of what operators did to no tenant alone'),
];

interface Whose {
  readonly tenant?: string;
  readonly fleet?: true;
}

const list: Command = {
  overApi: true,
  name: 'list',
  does: "Lists what was entered in a tenant's audit log, the newest first.",
  options: [
    ...whose,
    option('--before <number>', 'only entries below this number', whole(1, 999_999_999_999_999)),
    option('--limit <n>', 'how many', whole(1, 10_000)).default(50),
  ],
  examples: [`rae audit list --tenant ${TENANT}`, 'rae audit list --fleet'],
  run: async (call) => {
    const { before, limit } = call.options<{ before?: number; limit: number }>();
    const { id, named, log } = call.remote === undefined ? await logOf(call) : logOver(call, call.remote);
    const entries = await log.list(id, before?.toString(), limit);
    return {
      json: { ...named, entries },
      text: () => (entries.length === 0 ? 'no entry' : listed(entries, call)),
    };
  },
};

const verify: Command = {
  overApi: true,
  name: 'verify',
  does: 'Looks through the audit log of a tenant, and names the first entry that was changed, moved or removed.',
  options: [
    ...whose,
    option(
      '--head <line>',
      'one that rae audit head gave and that was kept elsewhere: the log must go through it',
      text,
    ),
  ],
  examples: [`rae audit verify --tenant ${TENANT}`, `rae audit verify --tenant ${TENANT} --head "$(cat acme.head)"`],
  run: async (call) => {
    const { id, log, named } = call.remote === undefined ? await logOf(call) : logOver(call, call.remote);
    const { head } = call.options<{ head?: string }>();
    const { entries, badSeq, why } = await log.verify(id, head);
    return {
      json: { ...named, ok: badSeq === undefined, entries, bad_seq: badSeq ?? null, why: why ?? null },
      text: () =>
        badSeq === undefined
          ? `${entries} entries, each there and as it was written`
          : `entry ${badSeq} is the first bad one: ${why}`,
      ...(badSeq === undefined ? {} : { exit: EXIT.failed }),
    };
  },
};

const head: Command = {
  overApi: true,
  name: 'head',
  does: 'Gives the end of an audit log as one signed line; kept elsewhere, it tells later of a log that was written anew.',
  options: whose,
  examples: [`rae audit head --tenant ${TENANT} > acme.head`],
  run: async (call) => {
    const { id, log, named } = call.remote === undefined ? await logOf(call) : logOver(call, call.remote);
    const found = await log.head(id);
    const { seq = null, at = null, head: line = null } = found ?? {};
    if (line === null) call.out.say('nothing was entered yet');
    return { json: { ...named, seq, at, head: line }, text: () => line ?? '' };
  },
};

export const auditCommand: Command = {
  name: 'audit',
  does: "Lists and verifies tenants' audit logs.",
  commands: [list, verify, head],
};

interface NamedLog {
  readonly id: string;
  readonly named: object;
  readonly log: AuditLog;
}

function logOver(call: Call, remote: Remote) {
  const { tenant: id = '' } = call.options<Whose>();
  return { id, named: { tenant_id: id }, log: new RemoteAudit(remote) };
}

/** Whose log is meant. @throws RaeError `RAE_USAGE`, `RAE_TENANT_UNKNOWN` */
async function logOf(call: Call): Promise<NamedLog> {
  const { tenant, fleet } = call.options<Whose>();
  if ((tenant === undefined) === (fleet === undefined))
    throw new RaeError('RAE_USAGE', 'whose log is meant? give --tenant <tenant> or --fleet', {
      hint: 'see: rae audit list --help',
    });
  if (tenant === undefined)
    return { id: FLEET_LOG, log: new AuditLog(call.connection.control), named: { fleet: true } };
  await knownTenant(call, tenant);
  return { id: tenant, log: new AuditLog(call.connection.tenants), named: { tenant_id: tenant } };
}

function listed(entries: readonly AuditRecord[], call: Call): string {
  return table(
    [
      { title: 'SEQ', value: (entry) => entry.seq, align: 'right' },
      { title: 'AT', value: (entry) => entry.at.toISOString() },
      { title: 'ACTOR', value: (entry) => entry.actor },
      { title: 'ACTION', value: (entry) => entry.action },
      { title: 'DETAIL', value: (entry) => JSON.stringify(entry.detail), shrinks: true },
    ],
    entries,
    call.out.look,
  );
}
