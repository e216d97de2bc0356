-- why:      a dedicated queue that nobody takes may fall back to the shared ones, and a noisy tenant be moved to quarantine, by rules that operators state
-- locks:    none but of new tables
-- breaking: no

-- A rule of operators for every tenant (the tenant 0) or another for one; settings null = not for this tenant.
create table public.placement_rules (
  tenant_id uuid not null default '00000000-0000-0000-0000-000000000000',
  kind text not null check (kind in ('fallback', 'quarantine')),
  settings jsonb,
  owner text not null check (length(owner) between 1 and 255),
  updated_at timestamptz not null default now(),
  primary key (tenant_id, kind)
);
comment on table public.placement_rules is 'when dispatch may place a tenant elsewhere by itself; the tenant 0 = every tenant; settings null = never for this one';
call public.rae_guard_table('public.placement_rules', true);
grant select on public.placement_rules to rae_scheduler, rae_operator;
grant insert, update, delete on public.placement_rules to rae_operator;

-- Tenants that a rule has placed elsewhere, and where they go back to.
create table public.displacements (
  tenant_id uuid primary key references public.tenants (tenant_id) on delete cascade,
  kind text not null check (kind in ('fallback', 'quarantine')),
  home text,
  why text not null,
  since timestamptz not null default now()
);
comment on table public.displacements is 'tenants that a rule has placed elsewhere; home = the placement they go back to, null = what the plan says';
call public.rae_guard_table('public.displacements', true);
grant select, insert, delete on public.displacements to rae_scheduler;
grant select, delete on public.displacements to rae_operator;
grant select on public.displacements to rae_api;

grant update (placement, placement_epoch, updated_at) on public.tenants to rae_scheduler;
grant execute on function public.rae_audit_append(text, text, jsonb) to rae_scheduler;
