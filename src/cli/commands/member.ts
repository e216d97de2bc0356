import { MEMBER_ROLES, type Member, MemberBook, type MemberName, type MemberRole } from '../../access/member-book.ts';
import { OPERATOR } from '../../audit/log.ts';
import { isUuid } from '../../kernel/ids.ts';
import type { Call } from '../call.ts';
import { clean } from '../cell.ts';
import type { Command } from '../command.ts';
import { knownTenant } from '../known-tenant.ts';
import { argument, oneOf, option, tenantId, text } from '../option.ts';
import { type Members, RemoteMembers } from '../remote-members.ts';
import { table } from '../table.ts';
import { shownInstant } from '../tenant-view.ts';

const TENANT = '3f2a8c54-1f7e-4c0b-9a53-0d7e2b1c9f10';
const MOST = 100_000;
const tenant = option('--tenant <tenant>', 'its id', tenantId);
const ROLES = MEMBER_ROLES.join(', ');
const who = argument('<member>', 'the address, or the id', text);

const list: Command = {
  overApi: true,
  name: 'list',
  does: "Lists a tenant's members by their addresses.",
  needs: [tenant],
  examples: [`rae member list --tenant ${TENANT}`],
  run: async (call) => {
    const { tenant: id } = call.options<{ tenant: string }>();
    const members = await (await book(call, id)).list(id, undefined, MOST);
    return {
      json: { tenant_id: id, members },
      text: () => (members.length === 0 ? 'no member' : listed(members, call)),
    };
  },
};

const add: Command = {
  overApi: true,
  name: 'add',
  does: 'Adds a member: whoever signs in with this address, proven by the issuer of tokens, has this role.',
  arguments: [argument('<address>', 'the e-mail address', text)],
  needs: [tenant, option('--role <role>', ROLES, oneOf(MEMBER_ROLES))],
  examples: [`rae member add bob@acme.example --role tenant_user --tenant ${TENANT}`],
  run: async (call) => {
    const [address] = call.args<[string]>();
    const { tenant: id, role } = call.options<{ tenant: string; role: MemberRole }>();
    const { member, changed } = await (await book(call, id)).add(id, address, role, OPERATOR);
    return {
      json: { tenant_id: id, ...member, changed },
      text: () => `${clean(member.email)} ${changed ? 'is now' : 'was already'} ${member.role}`,
    };
  },
};

const setRole: Command = {
  overApi: true,
  name: 'set-role',
  does: 'Gives a member another role; the last admin keeps theirs.',
  arguments: [who, argument('<role>', ROLES, oneOf(MEMBER_ROLES))],
  needs: [tenant],
  examples: [`rae member set-role bob@acme.example tenant_admin --tenant ${TENANT}`],
  run: async (call) => {
    const [named, role] = call.args<[string, MemberRole]>();
    const { tenant: id } = call.options<{ tenant: string }>();
    const { member, changed } = await (await book(call, id)).setRole(id, nameOf(named), role, OPERATOR);
    return {
      json: { tenant_id: id, ...member, changed },
      text: () => `${clean(member.email)} ${changed ? 'is now' : 'was already'} ${member.role}`,
    };
  },
};

const remove: Command = {
  overApi: true,
  name: 'remove',
  does: 'Removes a member; the last admin stays. Keys that they made go on working until they are revoked.',
  arguments: [who],
  needs: [tenant],
  examples: [`rae member remove bob@acme.example --tenant ${TENANT}`],
  destroys: () => 'The member is gone from the tenant, with what they may do there.',
  run: async (call) => {
    const [named] = call.args<[string]>();
    const { tenant: id } = call.options<{ tenant: string }>();
    const member = await (await book(call, id)).remove(id, nameOf(named), OPERATOR);
    return {
      json: { tenant_id: id, ...member, removed: true },
      text: () => `${clean(member.email)} is no member any more`,
    };
  },
};

/** `rae member`. */
export const memberCommand: Command = {
  name: 'member',
  does: "Lists, adds and removes tenants' members, and gives them roles.",
  commands: [list, add, setRole, remove],
};

/** @throws RaeError `RAE_TENANT_UNKNOWN` */
async function book(call: Call, id: string): Promise<Members> {
  if (call.remote !== undefined) return new RemoteMembers(call.remote);
  await knownTenant(call, id);
  return new MemberBook(call.connection.tenants);
}

function nameOf(given: string): MemberName {
  return isUuid(given.toLowerCase()) ? { memberId: given.toLowerCase() } : { email: given };
}

function listed(members: readonly Member[], call: Call): string {
  return table(
    [
      { title: 'MEMBER', value: (one) => one.member_id },
      { title: 'ADDRESS', value: (one) => clean(one.email), shrinks: true },
      { title: 'ROLE', value: (one) => one.role },
      { title: 'SINCE', value: (one) => shownInstant(one.created_at) },
    ],
    members,
    call.out.look,
  );
}
