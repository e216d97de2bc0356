import { z } from 'zod';
import { MEMBER_ROLES, type Member, type MemberBook } from '../access/member-book.ts';
import { cursorOf, PAGE, placeOf } from './page.ts';
import { type Route, route } from './route.ts';

const ROLE = z.enum(MEMBER_ROLES);
const PARAMS = z.strictObject({ member_id: z.uuid() });
const MEMBER = z.object({ member_id: z.uuid(), email: z.string(), role: ROLE, created_at: z.iso.datetime() });

/** The people of a tenant, and what each may do. */
export function memberRoutes(members: MemberBook): readonly Route[] {
  return [listed(members), added(members), roleSet(members), removed(members)];
}

const listed = (members: MemberBook) =>
  route({
    method: 'GET',
    path: '/v1/members',
    does: 'Lists the members by their addresses.',
    permission: 'members:manage',
    query: z.strictObject(PAGE),
    status: 200,
    answer: z.object({ members: z.array(MEMBER), next: z.string().nullable() }),
    run: async ({ principal: { tenantId }, query: { limit, cursor } }) => {
      const [after] = placeOf(tenantId, cursor, [
        z
          .string()
          .max(255)
          .regex(/^\P{C}*$/u),
      ]);
      const found = await members.list(tenantId, after, limit + 1);
      const page = found.slice(0, limit);
      const last = found.length > limit ? page.at(-1) : undefined;
      const next = last === undefined ? null : cursorOf(tenantId, [last.email]);
      return { body: { members: page.map(told), next } };
    },
  });

const added = (members: MemberBook) =>
  route({
    method: 'POST',
    path: '/v1/members',
    does: 'Adds a member, whose role may no more than whoever adds them.',
    permission: 'members:manage',
    body: z.strictObject({ email: z.string().min(3).max(255), role: ROLE }),
    status: 201,
    answer: MEMBER,
    otherwise: { 200: 'they are a member with this role already' },
    run: async ({ principal, author, body: { email, role } }) => {
      const { member, changed } = await members.add(principal.tenantId, email, role, author, principal);
      return {
        status: changed ? 201 : 200,
        headers: { location: `/v1/members/${member.member_id}` },
        body: told(member),
      };
    },
  });

const roleSet = (members: MemberBook) =>
  route({
    method: 'PUT',
    path: '/v1/members/{member_id}',
    does: 'Gives a member another role; the last admin keeps theirs.',
    permission: 'members:manage',
    params: PARAMS,
    body: z.strictObject({ role: ROLE }),
    status: 200,
    answer: MEMBER.extend({ changed: z.boolean() }),
    run: async ({ principal, author, params: { member_id: memberId }, body: { role } }) => {
      const { member, changed } = await members.setRole(principal.tenantId, { memberId }, role, author, principal);
      return { body: { ...told(member), changed } };
    },
  });

const removed = (members: MemberBook) =>
  route({
    method: 'DELETE',
    path: '/v1/members/{member_id}',
    does: 'Removes a member; the last admin stays.',
    permission: 'members:manage',
    params: PARAMS,
    status: 200,
    answer: z.object({ member_id: z.uuid(), removed: z.literal(true) }),
    run: async ({ principal, author, params: { member_id: memberId } }) => {
      await members.remove(principal.tenantId, { memberId }, author, principal);
      return { body: { member_id: memberId, removed: true } };
    },
  });

function told({ member_id, email, role, created_at }: Member) {
  return { member_id, email, role, created_at };
}
