-- Role rae_api, inside the tenant.

-- statement: find
-- takes $1 tenant uuid, $2 address text or null
-- gives {status, role text: of the member with this address; null = none}; none where there is no such tenant
-- again safe: reads only
-- locks none
-- index tenants_pkey, members_tenant_id_email_key
select t.status, m.role from public.tenants t
  left join public.members m on m.tenant_id = t.tenant_id and m.email = $2::text
 where t.tenant_id = $1
