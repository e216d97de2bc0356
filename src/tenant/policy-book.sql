-- Role rae_api, inside the tenant.

-- statement: read
-- takes $1 tenant uuid, $2 worker text, $3 fingerprint of the schema text
-- gives {status, version int, document jsonb, effective jsonb, current boolean: effective was made of this document by this
--   schema}; all but status null where the tenant has set none; no row where there is no such tenant
-- again safe: reads only
-- locks none
-- index tenants_pkey, policies_pkey
select t.status, p.version, p.document, p.effective, p.checked = $3::text || md5(p.document::text) as current
  from public.tenants t left join public.policies p on p.tenant_id = t.tenant_id and p.worker = $2
 where t.tenant_id = $1

-- statement: hold
-- takes $1 tenant uuid, $2 worker text
-- gives {version int}; none where the tenant has set none
-- again safe
-- locks the policy's row until the transaction ends
-- index policies_pkey
select version from public.policies where tenant_id = $1 and worker = $2 for update

-- statement: add
-- takes $1 tenant uuid, $2 worker text, $3 document jsonb, $4 effective jsonb, $5 fingerprint of the schema text
-- gives {version int}; none where somebody else has added one meanwhile
-- again safe: changes nothing
-- locks the new row
-- index policies_pkey
insert into public.policies (tenant_id, worker, document, effective, checked)
values ($1, $2, $3::jsonb, $4::jsonb, $5::text || md5($3::jsonb::text))
on conflict (tenant_id, worker) do nothing
returning version

-- statement: replace
-- takes $1 tenant uuid, $2 worker text, $3 document jsonb, $4 effective jsonb, $5 fingerprint of the schema text
-- gives {version int}
-- again raises the version again
-- locks the policy's row
-- index policies_pkey
update public.policies
   set document = $3::jsonb, effective = $4::jsonb, checked = $5::text || md5($3::jsonb::text),
       version = version + 1, updated_at = now()
 where tenant_id = $1 and worker = $2
returning version
