-- statement: shardOfTenant
-- takes $1 tenant id uuid
-- gives {shard} of the tenant; none where it does not exist or is not the current one
-- again safe: reads only
-- locks none
-- index tenants_pkey
select shard from public.tenants where tenant_id = $1
