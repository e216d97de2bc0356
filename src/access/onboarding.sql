-- Role rae_operator, in the transaction that makes the tenant.

-- statement: addMember
-- takes $1 tenant uuid, $2 address text, $3 role text
-- gives nothing
-- again fails: a tenant's members have different addresses
-- locks the new row
-- index members_tenant_id_email_key
insert into public.members (tenant_id, email, role) values ($1, $2, $3)

-- statement: beginTenant
-- takes nothing; inside the tenant, which is new
-- gives {kind, name} per budget, policy and rule that its plan begins with
-- again fails: they are there
-- locks the new rows
-- index plan_defaults_pkey
select kind, name from public.rae_begin_tenant()
