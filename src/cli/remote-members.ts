import type { Member, MemberBook, MemberChange, MemberName, MemberRole } from '../access/member-book.ts';
import { RaeError } from '../kernel/errors.ts';
import type { Remote } from './remote.ts';

/** What commands do with members, wherever those are. */
export type Members = Pick<MemberBook, 'list' | 'add' | 'setRole' | 'remove'>;

/** The members of a tenant, over the API. */
export class RemoteMembers implements Members {
  readonly #remote: Remote;

  constructor(remote: Remote) {
    this.#remote = remote;
  }

  async list(): Promise<readonly Member[]> {
    return this.#remote.all<Member>('/v1/members', 'members');
  }

  async add(_tenantId: string, email: string, role: MemberRole): Promise<MemberChange> {
    const request = { method: 'POST', path: '/v1/members', body: { email, role } } as const;
    const { body, status } = await this.#remote.answer<Member>(request);
    return { member: body, changed: status === 201 };
  }

  async setRole(_tenantId: string, name: MemberName, role: MemberRole): Promise<MemberChange> {
    type Told = Member & { readonly changed: boolean };
    const path = `/v1/members/${(await this.#found(name)).member_id}`;
    const { changed, ...member } = await this.#remote.ask<Told>({ method: 'PUT', path, body: { role } });
    return { member: member as Member, changed };
  }

  async remove(_tenantId: string, name: MemberName): Promise<Member> {
    const member = await this.#found(name);
    await this.#remote.ask({ method: 'DELETE', path: `/v1/members/${member.member_id}` });
    return member;
  }

  async #found(name: MemberName): Promise<Member> {
    const isMeant = (one: Member) => ('memberId' in name ? one.member_id === name.memberId : one.email === name.email);
    const member = (await this.list()).find(isMeant);
    if (member !== undefined) return member;
    throw new RaeError('RAE_NOT_FOUND', 'the tenant has no such member', {
      hint: 'see its members with: rae member list',
    });
  }
}
