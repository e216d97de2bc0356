import { type Author, enter } from '../audit/log.ts';
import type { Queryable, Row } from '../db/database.ts';
import { sqlStateOf } from '../db/sqlstate.ts';
import { loadStatements } from '../db/statement.ts';
import type { TenantContext } from '../db/tenant-context.ts';
import { RaeError } from '../kernel/errors.ts';
import { type Principal, permissionsOf } from './principal.ts';
import { RIGHTS, TENANT_ROLES, type TenantRole } from './role.ts';

const sql = loadStatements(new URL('./member-book.sql', import.meta.url), ['list', 'find', 'add', 'setRole', 'remove']);

/** The roles that a person can have; services have keys. */
export const MEMBER_ROLES = Object.freeze(TENANT_ROLES.filter((role) => role !== 'service_account'));
export type MemberRole = Exclude<TenantRole, 'service_account'>;

/** A person who belongs to a tenant. A token of the issuer with this address, proven there, has this role. */
export interface Member extends Row {
  readonly member_id: string;
  readonly email: string;
  readonly role: MemberRole;
  readonly created_at: Date;
}

/** A member after something was set, and whether it was otherwise before. */
export interface MemberChange {
  readonly member: Member;
  readonly changed: boolean;
}

/** Who is meant: by id, or by address. */
export type MemberName = { readonly memberId: string } | { readonly email: string };

/** An e-mail address without what would move a terminal's cursor or turn the direction of a text. */
const ADDRESS = /^[^\s@\p{C}]+@[^\s@\p{C}]+$/u;
const RESTRICT_VIOLATION = '23001';

/**
 * The members of tenants, as `rae_api` inside the tenant. Nobody gives or takes a role that may more than they themselves, so
 * that nobody raises their own rights; the last admin stays (a trigger sees to it, whoever changes members).
 */
export class MemberBook {
  readonly #tenants: TenantContext;

  constructor(tenants: TenantContext) {
    this.#tenants = tenants;
  }

  /** A page of the members by their addresses. @param after the last address of the page before */
  async list(tenantId: string, after: string | undefined, limit: number): Promise<readonly Member[]> {
    return this.#tenants.inTenant(tenantId, (tx) => tx.rows<Member>(sql.list, [tenantId, after ?? null, limit]));
  }

  /**
   * Adds a member; one who is there with this role already stays so. @param by who asks, where that is somebody of the tenant.
   * @throws RaeError `RAE_USAGE`; `RAE_FORBIDDEN` for more rights than `by` has; `RAE_REFUSED` for a member of another role.
   */
  async add(tenantId: string, email: string, role: MemberRole, author: Author, by?: Principal): Promise<MemberChange> {
    const address = addressOf(email);
    refuseMore(by, role);
    return this.#tenants.inTenant(tenantId, async (tx) => {
      const [member] = await tx.rows<Member>(sql.add, [tenantId, address, role]);
      if (member !== undefined) {
        await enter(tx, author, 'member.added', { member_id: member.member_id, role });
        return { member, changed: true };
      }
      const there = await found(tx, tenantId, { email: address });
      if (there.role === role) return { member: there, changed: false };
      throw new RaeError('RAE_REFUSED', `${JSON.stringify(address)} is a member already, as ${there.role}`, {
        hint: 'give the member another role instead: rae member set-role',
      });
    });
  }

  /** @throws RaeError `RAE_NOT_FOUND`, `RAE_FORBIDDEN`; `RAE_REFUSED` for the last admin. */
  async setRole(tenantId: string, name: MemberName, role: MemberRole, author: Author, by?: Principal) {
    refuseMore(by, role);
    return this.#change(tenantId, name, by, async (tx, before) => {
      if (before.role === role) return { member: before, changed: false };
      const [member = before] = await tx.rows<Member>(sql.setRole, [tenantId, before.member_id, role]);
      const detail = { member_id: member.member_id, before: before.role, after: role };
      await enter(tx, author, 'member.role_set', detail);
      return { member, changed: true };
    });
  }

  /** @throws RaeError `RAE_NOT_FOUND`, `RAE_FORBIDDEN`; `RAE_REFUSED` for the last admin. */
  async remove(tenantId: string, name: MemberName, author: Author, by?: Principal): Promise<Member> {
    const { member } = await this.#change(tenantId, name, by, async (tx, before) => {
      await tx.rows(sql.remove, [tenantId, before.member_id]);
      await enter(tx, author, 'member.removed', { member_id: before.member_id, role: before.role });
      return { member: before, changed: true };
    });
    return member;
  }

  async #change(
    tenantId: string,
    name: MemberName,
    by: Principal | undefined,
    change: (tx: Queryable, before: Member) => Promise<MemberChange>,
  ): Promise<MemberChange> {
    try {
      return await this.#tenants.inTenant(tenantId, async (tx) => {
        const before = await found(tx, tenantId, name);
        refuseMore(by, before.role);
        return change(tx, before);
      });
    } catch (error) {
      if (sqlStateOf(error) !== RESTRICT_VIOLATION) throw error;
      throw new RaeError('RAE_REFUSED', 'this is the last admin of the tenant, and a tenant keeps its last admin', {
        hint: 'make another member tenant_admin first',
        cause: error,
      });
    }
  }
}

async function found(tx: Queryable, tenantId: string, name: MemberName): Promise<Member> {
  const [id, email] = 'memberId' in name ? [name.memberId, null] : [null, name.email];
  const [member] = await tx.rows<Member>(sql.find, [tenantId, id, email]);
  if (member !== undefined) return member;
  throw new RaeError('RAE_NOT_FOUND', `the tenant has no member ${JSON.stringify((id ?? email)?.slice(0, 60))}`, {
    hint: 'see its members with: rae member list',
  });
}

/** @throws RaeError `RAE_USAGE` */
function addressOf(email: string): string {
  if (email.length <= 255 && ADDRESS.test(email)) return email;
  throw new RaeError('RAE_USAGE', `${JSON.stringify(email.slice(0, 60))} is not an e-mail address`);
}

/** @throws RaeError `RAE_FORBIDDEN` for a role that may more than `by`. */
function refuseMore(by: Principal | undefined, role: MemberRole): void {
  if (by === undefined) return;
  const own = permissionsOf(by);
  const more = RIGHTS[role].filter((permission) => !own.includes(permission));
  if (more.length === 0 && by.project === undefined) return;
  const what = more.length > 0 ? more.join(', ') : 'other projects';
  throw new RaeError('RAE_FORBIDDEN', `nobody gives or takes a role that may more than they themselves: ${what}`);
}
