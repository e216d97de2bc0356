-- Rules by which dispatch places tenants elsewhere, as rae_operator; a dispatcher reads with the first two as well.
-- role rae_operator

-- statement: rules
-- takes nothing
-- gives {tenant_id, kind, settings jsonb, owner, updated_at} of all there are
-- again safe: reads only
-- locks none
-- index none: a handful
select tenant_id, kind, settings, owner, updated_at from public.placement_rules order by kind, tenant_id

-- statement: displaced
-- takes nothing
-- gives {tenant_id, kind, home, why, since} per tenant that a rule has placed elsewhere
-- again safe: reads only
-- locks none
-- index none: all there are
select tenant_id, kind, home, why, since from public.displacements order by since, tenant_id

-- statement: setRule
-- takes $1 tenant uuid (0 = every tenant), $2 kind text, $3 settings jsonb or null, $4 owner text
-- gives nothing
-- again safe
-- locks the rule
-- index placement_rules_pkey
insert into public.placement_rules as r (tenant_id, kind, settings, owner) values ($1, $2, $3::jsonb, $4)
on conflict (tenant_id, kind) do update set settings = excluded.settings, owner = excluded.owner, updated_at = now()

-- statement: removeRule
-- takes $1 tenant uuid (0 = every tenant), $2 kind text
-- gives {kind} where there was one
-- again safe
-- locks the rule
-- index placement_rules_pkey
delete from public.placement_rules where tenant_id = $1 and kind = $2 returning kind
