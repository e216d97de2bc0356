import { Option } from 'commander';
import { RaeError } from '../../kernel/errors.ts';
import { isUuid } from '../../kernel/ids.ts';
import { type LegalHold, LegalHoldBook } from '../../tenant/legal-hold-book.ts';
import type { Call } from '../call.ts';
import { clean } from '../cell.ts';
import type { Command } from '../command.ts';
import { knownTenant } from '../known-tenant.ts';
import { argument, option, type Reader, tenantId, text } from '../option.ts';
import { table } from '../table.ts';

const TENANT = '3f2a8c54-1f7e-4c0b-9a53-0d7e2b1c9f10';
const HOLD = 'a1b6c6de-95c2-4a36-8d3c-5f1f7d1b7c11';
const tenant = argument('<tenant>', 'its id', tenantId);

const idOf =
  (what: string): Reader<string> =>
  (given) => {
    const id = given.toLowerCase();
    if (isUuid(id)) return id;
    throw new RaeError(
      'RAE_USAGE',
      `is ${JSON.stringify(clean(given.slice(0, 60)))}; expected the id of a ${what}, a uuid`,
    );
  };

interface HoldOptions {
  readonly project?: string;
  readonly memory?: string;
  readonly reason: string;
  readonly owner: string;
}

export const tenantHold: Command = {
  name: 'hold',
  does: 'Places a legal hold: nothing that it names is removed by retention until it is released.',
  arguments: [tenant],
  needs: [
    option('--reason <text>', 'why', text),
    option('--owner <text>', 'who is responsible for it and may say that it ends', text),
  ],
  options: [
    option('--project <name>', 'hold this project only', text),
    option('--memory <id>', 'hold this memory only; with neither, all of the tenant', idOf('memory')),
  ],
  examples: [
    `rae tenant hold ${TENANT} --reason "case 12/2026" --owner legal@acme.example`,
    `rae tenant hold ${TENANT} --project atlas --reason "case 12/2026" --owner legal@acme.example`,
  ],
  run: async (call) => {
    const [id] = call.args<[string]>();
    const { project, memory, reason, owner } = call.options<HoldOptions>();
    if (project !== undefined && memory !== undefined)
      throw new RaeError('RAE_USAGE', '--project and --memory exclude each other: place a hold for each');
    const hold = await (await book(call, id)).place(id, { project, memoryId: memory, reason, owner });
    return {
      json: { tenant_id: id, ...holdJson(hold) },
      text: () => `hold ${hold.hold_id} is placed on ${scopeOf(hold)}`,
    };
  },
};

export const tenantRelease: Command = {
  name: 'release',
  does: 'Releases a legal hold; what it kept goes with the next cycle where the policy says so.',
  arguments: [tenant, argument('<hold>', 'its id, as in rae tenant holds', idOf('legal hold'))],
  examples: [`rae tenant release ${TENANT} ${HOLD}`],
  destroys: () => 'What the hold kept is deleted by the next cycle where the policy says so.',
  run: async (call) => {
    const [id, holdId] = call.args<[string, string]>();
    const { hold, changed } = await (await book(call, id)).release(id, holdId);
    return {
      json: { tenant_id: id, ...holdJson(hold), changed },
      text: () =>
        `hold ${hold.hold_id} on ${scopeOf(hold)} ${changed ? 'is' : 'was already'} released (${hold.released_at?.toISOString()})`,
    };
  },
};

export const tenantHolds: Command = {
  name: 'holds',
  does: "Lists a tenant's legal holds, the newest first.",
  arguments: [tenant],
  options: [new Option('--all', 'also those that were released')],
  examples: [`rae tenant holds ${TENANT}`, `rae tenant holds ${TENANT} --all --json`],
  run: async (call) => {
    const [id] = call.args<[string]>();
    const { all = false } = call.options<{ all?: true }>();
    const holds = await (await book(call, id)).list(id, all);
    return {
      json: { tenant_id: id, holds: holds.map(holdJson) },
      text: () => (holds.length === 0 ? 'no legal hold' : listed(holds, call)),
    };
  },
};

/** @throws RaeError `RAE_TENANT_UNKNOWN` */
async function book(call: Call, id: string): Promise<LegalHoldBook> {
  await knownTenant(call, id);
  return new LegalHoldBook(call.connection.tenants);
}

function holdJson(hold: LegalHold): Readonly<Record<string, unknown>> {
  const { hold_id, project, memory_id, reason, owner, placed_at, released_at } = hold;
  return { hold_id, project, memory_id, reason, owner, placed_at, released_at };
}

function scopeOf({ project, memory_id: memory }: LegalHold): string {
  if (memory !== null) return `the memory ${memory}`;
  return project === null ? 'all of the tenant' : `the project ${clean(project)}`;
}

function listed(holds: readonly LegalHold[], call: Call): string {
  return table(
    [
      { title: 'HOLD', value: (hold) => hold.hold_id },
      { title: 'ON', value: scopeOf },
      { title: 'OWNER', value: (hold) => hold.owner, shrinks: true },
      { title: 'PLACED', value: (hold) => hold.placed_at.toISOString() },
      { title: 'RELEASED', value: (hold) => hold.released_at?.toISOString() },
      { title: 'REASON', value: (hold) => hold.reason, shrinks: true },
    ],
    holds,
    call.out.look,
  );
}
