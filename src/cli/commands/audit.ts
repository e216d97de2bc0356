import { AuditLog, type AuditRecord } from '../../audit/log.ts';
import { EXIT } from '../../kernel/errors.ts';
import type { Call } from '../call.ts';
import type { Command } from '../command.ts';
import { knownTenant } from '../known-tenant.ts';
import { option, tenantId, whole } from '../option.ts';
import { table } from '../table.ts';

const TENANT = '3f2a8c54-1f7e-4c0b-9a53-0d7e2b1c9f10';
const tenant = option('--tenant <tenant>', 'its id', tenantId);

const list: Command = {
  name: 'list',
  does: "Lists what was entered in a tenant's audit log, the newest first.",
  needs: [tenant],
  options: [
    option('--before <number>', 'only entries below this number', whole(1, 999_999_999_999_999)),
    option('--limit <n>', 'how many', whole(1, 10_000)).default(50),
  ],
  examples: [`rae audit list --tenant ${TENANT}`],
  run: async (call) => {
    const { tenant: id, before, limit } = call.options<{ tenant: string; before?: number; limit: number }>();
    const entries = await (await log(call, id)).list(id, before?.toString(), limit);
    return {
      json: { tenant_id: id, entries },
      text: () => (entries.length === 0 ? 'no entry' : listed(entries, call)),
    };
  },
};

const verify: Command = {
  name: 'verify',
  does: 'Looks through the audit log of a tenant, and names the first entry that was changed, moved or removed.',
  needs: [tenant],
  examples: [`rae audit verify --tenant ${TENANT}`],
  run: async (call) => {
    const { tenant: id } = call.options<{ tenant: string }>();
    const { entries, badSeq, why } = await (await log(call, id)).verify(id);
    return {
      json: { tenant_id: id, ok: badSeq === undefined, entries, bad_seq: badSeq ?? null, why: why ?? null },
      text: () =>
        badSeq === undefined
          ? `${entries} entries, each there and as it was written`
          : `entry ${badSeq} is the first bad one: ${why}; ${entries} before it are right`,
      ...(badSeq === undefined ? {} : { exit: EXIT.failed }),
    };
  },
};

export const auditCommand: Command = {
  name: 'audit',
  does: "Lists and verifies tenants' audit logs.",
  commands: [list, verify],
};

/** @throws RaeError `RAE_TENANT_UNKNOWN` */
async function log(call: Call, id: string): Promise<AuditLog> {
  await knownTenant(call, id);
  return new AuditLog(call.connection.tenants);
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
