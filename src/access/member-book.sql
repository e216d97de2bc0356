-- Role rae_api, inside the tenant.

-- statement: list
-- takes $1 tenant uuid, $2 the last address of the page before text or null, $3 most int
-- gives the members as Member, by their addresses
-- again safe: reads only
-- locks none
-- index members_tenant_id_email_key
select member_id, email, role, created_at from public.members
 where tenant_id = $1 and ($2::text is null or email > $2::text) order by email limit $3::int

-- statement: find
-- takes $1 tenant uuid, $2 member uuid or null, $3 address text or null: one of them
-- gives the member as Member, held until the transaction ends; none where there is none
-- again safe
-- locks the member's row
-- index members_pkey, members_tenant_id_email_key
select member_id, email, role, created_at from public.members
 where tenant_id = $1 and (member_id = $2::uuid or email = $3::text) for update

-- statement: add
-- takes $1 tenant uuid, $2 address text, $3 role text
-- gives the member as Member; none where the address is a member's already
-- again safe: adds none
-- locks the new row
-- index members_tenant_id_email_key
insert into public.members (tenant_id, email, role) values ($1, $2, $3)
on conflict (tenant_id, email) do nothing returning member_id, email, role, created_at

-- statement: setRole
-- takes $1 tenant uuid, $2 member uuid, $3 role text
-- gives the member as Member
-- again safe
-- locks the member's row
-- index members_pkey
update public.members set (role) = row ($3::text) where tenant_id = $1 and member_id = $2 returning member_id, email, role, created_at

-- statement: remove
-- takes $1 tenant uuid, $2 member uuid
-- gives {member_id}
-- again safe: removes none
-- locks the member's row
-- index members_pkey
delete from public.members where tenant_id = $1 and member_id = $2 returning member_id
