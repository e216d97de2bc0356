-- why:      the memories of the tenants, in the original's columns, and how far each tenant's decay has come
-- locks:    none on existing data: new tables only
-- breaking: no

-- Fillfactor: a decayed row finds room for its new version on its own page, so that the update is HOT. For the same
-- reason nothing may ever index importance.
create table public.memories (
  tenant_id uuid not null,
  id uuid not null default gen_random_uuid(),
  content text not null,
  source varchar(255),
  importance double precision default 0.5,
  layer varchar(50),
  tags text[],
  "timestamp" timestamptz default now(),
  created_at timestamptz not null default now(),
  last_accessed_at timestamptz default now(),
  usage_count integer default 0,
  project varchar(255),
  metadata jsonb default '{}',
  agent_id varchar(255) not null default 'default',
  expires_at timestamptz,
  memory_type varchar(50),
  strength double precision default 1.0,
  session_id varchar(255),
  info_class varchar(50) not null default 'internal',
  governance jsonb not null default '{}',
  human_label varchar(255),
  content_hash varchar(64),
  primary key (tenant_id, id),
  unique (tenant_id, content_hash)
) with (fillfactor = 85);
call public.rae_guard_table('public.memories', false);

-- One row per tenant: the local dates whose decay is written, and those begun (date to the id up to which it came).
-- Consecutive dates melt into one range, so that the row does not grow with time.
create table public.decay_marks (
  tenant_id uuid primary key,
  dates datemultirange not null default '{}',
  begun jsonb not null default '{}'
) with (fillfactor = 50);
call public.rae_guard_table('public.decay_marks', false);

create function public.rae_hint_memories() returns trigger language plpgsql security invoker as $$
begin
  insert into public.due_hints (tenant_id, kind) select distinct tenant_id, 'memory' from added;
  return null;
end
$$;
create trigger memories_hint after insert on public.memories
  referencing new table as added for each statement execute function public.rae_hint_memories();

grant select, insert, update, delete on public.memories to rae_worker, rae_api;
grant select, insert, update on public.decay_marks to rae_worker;
