-- why:      what retention removes and what says so: embeddings, graph, cost logs, holds, certificates, the audit log; idle tenants
--           that become due by time alone
-- locks:    memories is scanned three times for its new indexes; new tables else
-- breaking: no

alter table public.memories add column deleted_at timestamptz;
comment on column public.memories.deleted_at is 'marked to go: retention removes it for good when its grace has passed, and takes the mark back where it may stay after all';
-- serve retention: memories of a layer by age, by their own date, and those in grace. None has a column that decay rewrites.
create index memories_age_idx on public.memories (tenant_id, layer, created_at, id);
create index memories_expiry_idx on public.memories (tenant_id, expires_at, id) where expires_at is not null;
create index memories_grace_idx on public.memories (tenant_id, deleted_at, id) where deleted_at is not null;

create table public.memory_embeddings (
  tenant_id uuid not null,
  memory_id uuid not null,
  model_name varchar(255) not null,
  embedding real[] not null,
  metadata jsonb default '{}',
  created_at timestamptz not null default now(),
  primary key (tenant_id, memory_id, model_name),
  foreign key (tenant_id, memory_id) references public.memories (tenant_id, id) on delete cascade
);
call public.rae_guard_table('public.memory_embeddings', false);

create table public.graph_nodes (
  tenant_id uuid not null,
  id uuid not null default gen_random_uuid(),
  project varchar(255) not null default 'default',
  node_id varchar(255) not null,
  label varchar(255),
  properties jsonb default '{}',
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  primary key (tenant_id, id),
  unique (tenant_id, project, node_id)
);
call public.rae_guard_table('public.graph_nodes', false);

create table public.graph_triples (
  tenant_id uuid not null,
  id uuid not null default gen_random_uuid(),
  project varchar(255) not null default 'default',
  source_node_id uuid not null,
  target_node_id uuid not null,
  relation varchar(255) not null,
  properties jsonb default '{}',
  created_at timestamptz not null default now(),
  primary key (tenant_id, id),
  unique (tenant_id, project, source_node_id, target_node_id, relation),
  foreign key (tenant_id, source_node_id) references public.graph_nodes (tenant_id, id) on delete cascade,
  foreign key (tenant_id, target_node_id) references public.graph_nodes (tenant_id, id) on delete cascade
);
call public.rae_guard_table('public.graph_triples', false);
-- serve a node that goes and takes its triples along
create index graph_triples_source_idx on public.graph_triples (tenant_id, source_node_id, id);
create index graph_triples_target_idx on public.graph_triples (tenant_id, target_node_id, id);

create table public.graph_evidence (
  tenant_id uuid not null,
  memory_id uuid not null,
  node_id uuid,
  triple_id uuid,
  subject_id uuid not null generated always as (coalesce(node_id, triple_id)) stored,
  created_at timestamptz not null default now(),
  primary key (tenant_id, memory_id, subject_id),
  check (num_nonnulls(node_id, triple_id) = 1),
  foreign key (tenant_id, memory_id) references public.memories (tenant_id, id) on delete cascade,
  foreign key (tenant_id, node_id) references public.graph_nodes (tenant_id, id) on delete cascade,
  foreign key (tenant_id, triple_id) references public.graph_triples (tenant_id, id) on delete cascade
);
comment on table public.graph_evidence is 'which memory supports which node or triple: those go with the last memory that supports them';
call public.rae_guard_table('public.graph_evidence', false);
create index graph_evidence_node_idx on public.graph_evidence (tenant_id, node_id) where node_id is not null;
create index graph_evidence_triple_idx on public.graph_evidence (tenant_id, triple_id) where triple_id is not null;

create table public.graph_losses (
  tenant_id uuid not null,
  subject_id uuid not null,
  primary key (tenant_id, subject_id)
);
comment on table public.graph_losses is 'nodes and triples that lost evidence: retention looks whether it was the last';
call public.rae_guard_table('public.graph_losses', false);

create table public.cost_logs (
  tenant_id uuid not null,
  id uuid not null default gen_random_uuid(),
  project_id varchar(255) not null default 'default',
  model varchar(255) not null,
  provider varchar(100) not null,
  operation varchar(100) not null,
  input_tokens integer not null default 0 check (input_tokens >= 0),
  output_tokens integer not null default 0 check (output_tokens >= 0),
  total_tokens bigint generated always as (input_tokens::bigint + output_tokens) stored,
  input_cost_per_million numeric not null default 0 check (input_cost_per_million >= 0 and input_cost_per_million < 1e12),
  output_cost_per_million numeric not null default 0 check (output_cost_per_million >= 0 and output_cost_per_million < 1e12),
  total_cost_usd numeric not null default 0 check (total_cost_usd >= 0 and total_cost_usd < 1e12),
  cache_hit boolean not null default false,
  cache_tokens_saved integer not null default 0,
  request_id varchar(255),
  user_id varchar(255),
  latency_ms integer,
  error boolean not null default false,
  error_message text,
  "timestamp" timestamptz not null default now(),
  primary key (tenant_id, id)
);
comment on table public.cost_logs is 'what each call of a model cost; money is exact, and below 1e12 also keeps out NaN';
call public.rae_guard_table('public.cost_logs', false);
-- serves retention and sums over time
create index cost_logs_time_idx on public.cost_logs (tenant_id, "timestamp", id);

create table public.legal_holds (
  tenant_id uuid not null,
  hold_id uuid not null default gen_random_uuid(),
  project varchar(255),
  memory_id uuid,
  reason text not null check (length(reason) between 1 and 1000),
  owner text not null check (length(owner) between 1 and 255),
  placed_at timestamptz not null default now(),
  released_at timestamptz,
  primary key (tenant_id, hold_id),
  check (num_nonnulls(project, memory_id) <= 1)
);
comment on table public.legal_holds is 'what must not be removed whatever the policy says: one memory, all of a project, or with neither named all of the tenant';
call public.rae_guard_table('public.legal_holds', false);
create index legal_holds_memory_idx on public.legal_holds (tenant_id, memory_id) where released_at is null;

create table public.deletion_certificates (
  tenant_id uuid not null,
  class text not null,
  slot timestamptz not null,
  cutoff timestamptz,
  deleted bigint not null check (deleted > 0),
  oldest timestamptz not null,
  newest timestamptz not null,
  policy_fingerprint text not null,
  hash text not null,
  primary key (tenant_id, class, slot)
);
comment on table public.deletion_certificates is 'what retention removed of a class at a slot; none where nothing went';
comment on column public.deletion_certificates.cutoff is 'what is older than this may go by age; null = never by age, only by its own expires_at or with what it belongs to';
comment on column public.deletion_certificates.policy_fingerprint is 'sha256 of each effective policy it was removed by, in the order of their use';
call public.rae_guard_table('public.deletion_certificates', false);

-- Anybody can compute it again: sha256 of these values, a line each, instants in microseconds since 1970, null as nothing.
create function public.rae_certificate_hash(tenant uuid, class text, slot timestamptz, cutoff timestamptz, deleted bigint,
    oldest timestamptz, newest timestamptz, fingerprint text) returns text
  language sql immutable parallel safe security invoker
  return encode(sha256(convert_to(tenant || E'\n' || class || E'\n' || (extract(epoch from slot) * 1000000)::bigint || E'\n'
    || coalesce(((extract(epoch from cutoff) * 1000000)::bigint)::text, '') || E'\n' || deleted || E'\n'
    || (extract(epoch from oldest) * 1000000)::bigint || E'\n' || (extract(epoch from newest) * 1000000)::bigint || E'\n'
    || fingerprint, 'UTF8')), 'hex');
revoke all on function public.rae_certificate_hash(uuid, text, timestamptz, timestamptz, bigint, timestamptz, timestamptz, text) from public;
grant execute on function public.rae_certificate_hash(uuid, text, timestamptz, timestamptz, bigint, timestamptz, timestamptz, text)
  to rae_worker, rae_api, rae_operator;

-- Where a tenant's run of a slot has come: what it has looked at, whether it went or may stay. There only between two steps.
create table public.retention_marks (
  tenant_id uuid primary key,
  slot timestamptz not null,
  policy_fingerprint text not null,
  phase integer not null,
  after_at timestamptz not null,
  after_id uuid not null
);
call public.rae_guard_table('public.retention_marks', false);

-- One step of a tenant's retention and whoever changes what it may remove exclude each other: a step that began before a
-- hold is over when the hold is placed, and one that begins after it knows it.
create function public.rae_retention_lock(tenant uuid) returns void
  language sql volatile parallel unsafe security invoker
  begin atomic
    select pg_catalog.pg_advisory_xact_lock(pg_catalog.hashtextextended('rae retention ' || tenant, 0));
  end;
revoke all on function public.rae_retention_lock(uuid) from public;
grant execute on function public.rae_retention_lock(uuid) to rae_worker, rae_api, rae_operator;
create function public.rae_exclude_retention() returns trigger language plpgsql security invoker as $$
begin
  if tg_op = 'DELETE' then
    perform public.rae_retention_lock(old.tenant_id);
    return old;
  end if;
  perform public.rae_retention_lock(new.tenant_id);
  return new;
end
$$;
create trigger legal_holds_exclude before insert or update or delete on public.legal_holds
  for each row execute function public.rae_exclude_retention();
create trigger policies_exclude before insert or update on public.policies
  for each row when (new.worker = 'retention-purge') execute function public.rae_exclude_retention();
create trigger policies_exclude_delete before delete on public.policies
  for each row when (old.worker = 'retention-purge') execute function public.rae_exclude_retention();

-- Time makes tenants due as well: an idle one may say from when on it is due again.
alter table public.tenant_cadences add column due_at timestamptz;
comment on column public.tenant_cadences.due_at is 'an idle tenant is due again from then on by time alone; null = only a hint makes it due';
create index tenant_cadences_wake_idx on public.tenant_cadences (due_at) where idle and due_at is not null;
grant update (due_at) on public.tenant_cadences to rae_worker;

alter table public.due_hints drop constraint due_hints_kind_check,
  add constraint due_hints_kind_check check (kind in ('tenant', 'policy', 'memory', 'cost_log', 'hold'));

create function public.rae_hint_cost_logs() returns trigger language plpgsql security invoker as $$
begin
  insert into public.due_hints (tenant_id, kind) select distinct tenant_id, 'cost_log' from added;
  return null;
end
$$;
create trigger cost_logs_hint after insert on public.cost_logs
  referencing new table as added for each statement execute function public.rae_hint_cost_logs();

-- A hint per transaction and tenant, not per row.
create function public.rae_hint_row() returns trigger language plpgsql security invoker as $$
declare
  v_this constant text := pg_catalog.pg_current_xact_id() || ' ' || old.tenant_id;
begin
  if tg_table_name = 'graph_evidence' then
    insert into public.graph_losses (tenant_id, subject_id) values (old.tenant_id, old.subject_id) on conflict do nothing;
  end if;
  if pg_catalog.current_setting('rae.hinted', true) is distinct from v_this then
    perform pg_catalog.set_config('rae.hinted', v_this, true);
    insert into public.due_hints (tenant_id, kind) values (old.tenant_id, 'memory');
  end if;
  return null;
end
$$;
create trigger memories_change after update of layer, tags, project, created_at, expires_at on public.memories for each row
  when ((old.layer, old.tags, old.project, old.created_at, old.expires_at)
    is distinct from (new.layer, new.tags, new.project, new.created_at, new.expires_at)) execute function public.rae_hint_row();
create trigger graph_evidence_loss after delete on public.graph_evidence for each row execute function public.rae_hint_row();

create function public.rae_hint_hold() returns trigger language plpgsql security invoker as $$
begin
  insert into public.due_hints (tenant_id, kind) values (old.tenant_id, 'hold');
  return null;
end
$$;
create trigger legal_holds_hint after update or delete on public.legal_holds for each row execute function public.rae_hint_hold();

-- The audit log: a chain per tenant. It grows and shrinks through its own functions alone, which act as its owner.
create table public.audit_log (
  tenant_id uuid not null,
  seq bigint not null,
  at timestamptz not null,
  actor text not null,
  action text not null,
  detail jsonb not null default '{}',
  previous bytea not null,
  hash bytea not null,
  primary key (tenant_id, seq)
);
call public.rae_guard_table('public.audit_log', false);
create table public.audit_heads (
  tenant_id uuid primary key,
  seq bigint not null,
  at timestamptz not null,
  hash bytea not null
);
comment on table public.audit_heads is 'the last entry of each tenant''s chain: what is cut off at its end is missed';
call public.rae_guard_table('public.audit_heads', false);
create table public.audit_checkpoints (
  tenant_id uuid primary key,
  seq bigint not null,
  at timestamptz not null,
  hash bytea not null,
  key_id text not null,
  signature bytea not null
);
comment on table public.audit_checkpoints is 'the last entry that was removed from the beginning of a tenant''s chain, signed: the chain goes on from it';
call public.rae_guard_table('public.audit_checkpoints', false);
create table public.audit_keys (
  key_id text primary key,
  secret bytea not null,
  created_at timestamptz not null default now()
);
comment on table public.audit_keys is 'what signs checkpoints; only the owner''s own functions read it';
-- Random by the server's own strong source, which uuids are made of.
insert into public.audit_keys (key_id, secret)
  select left(gen_random_uuid()::text, 8), sha256(convert_to(string_agg(gen_random_uuid()::text, ''), 'UTF8')) from generate_series(1, 4);

create function public.rae_hmac_sha256(key bytea, message bytea) returns bytea
  language plpgsql immutable strict parallel safe security invoker
as $$
declare
  v_key bytea := case when octet_length(key) > 64 then sha256(key) else key end;
  v_inner bytea;
  v_outer bytea;
begin
  v_key := v_key || decode(repeat('00', 64 - octet_length(v_key)), 'hex');
  v_inner := v_key;
  v_outer := v_key;
  for i in 0 .. 63 loop
    v_inner := set_byte(v_inner, i, get_byte(v_key, i) # 54);
    v_outer := set_byte(v_outer, i, get_byte(v_key, i) # 92);
  end loop;
  return sha256(v_outer || sha256(v_inner || message));
end
$$;
create function public.rae_audit_hash(tenant uuid, seq bigint, at timestamptz, actor text, action text, detail jsonb, previous bytea)
  returns bytea language plpgsql immutable parallel safe security invoker
as $$
begin
  return sha256(previous || convert_to(
    jsonb_build_array(tenant, seq, (extract(epoch from at) * 1000000)::bigint, actor, action, detail)::text, 'UTF8'));
end
$$;
create function public.rae_audit_seal(tenant uuid, seq bigint, at timestamptz, hash bytea, secret bytea) returns bytea
  language sql immutable parallel safe security invoker
  return public.rae_hmac_sha256(secret, convert_to(
    'rae checkpoint ' || tenant || ' ' || seq || ' ' || (extract(epoch from at) * 1000000)::bigint || ' ', 'UTF8') || hash);

-- Appends to the current tenant's chain, in the caller's transaction; gives the entry's number.
create function public.rae_audit_append(actor text, action text, detail jsonb default '{}') returns bigint
  language plpgsql volatile parallel unsafe security definer set search_path = ''
as $$
declare
  v_tenant constant uuid := public.rae_current_tenant();
  v_head public.audit_heads;
  v_hash bytea;
begin
  insert into public.audit_heads (tenant_id, seq, at, hash) values (v_tenant, 0, '-infinity', '') on conflict (tenant_id) do nothing;
  select h.* into v_head from public.audit_heads h where h.tenant_id = v_tenant for update;
  v_head.seq := v_head.seq + 1;
  -- Entries are in the order of their time, whatever the clock does.
  v_head.at := greatest(pg_catalog.clock_timestamp(), v_head.at);
  v_hash := public.rae_audit_hash(v_tenant, v_head.seq, v_head.at, actor, action, detail, v_head.hash);
  insert into public.audit_log (tenant_id, seq, at, actor, action, detail, previous, hash)
    values (v_tenant, v_head.seq, v_head.at, actor, action, detail, v_head.hash, v_hash);
  update public.audit_heads h set seq = v_head.seq, at = v_head.at, hash = v_hash where h.tenant_id = v_tenant;
  return v_head.seq;
end
$$;

-- Removes entries older than `before` from the beginning of the current tenant's chain, `most` at once, and signs where it begins now.
create function public.rae_audit_shrink(before timestamptz, most integer)
  returns table (removed bigint, oldest timestamptz, newest timestamptz)
  language plpgsql volatile parallel unsafe security definer set search_path = ''
as $$
#variable_conflict use_column
declare
  v_tenant constant uuid := public.rae_current_tenant();
  v_key public.audit_keys;
  v_last public.audit_log;
  v_oldest timestamptz;
begin
  perform from public.audit_heads h where h.tenant_id = v_tenant for update;
  select a.at into v_oldest from public.audit_log a where a.tenant_id = v_tenant order by a.seq limit 1;
  -- Times never fall along the chain, so that what is older is its beginning.
  select l.* into v_last from (
    select a.* from public.audit_log a where a.tenant_id = v_tenant order by a.seq limit most) l
   where l.at < before order by l.seq desc limit 1;
  if v_last.seq is null then
    return query select 0::bigint, null::timestamptz, null::timestamptz;
    return;
  end if;
  select k.* into v_key from public.audit_keys k order by k.created_at desc limit 1;
  insert into public.audit_checkpoints as c (tenant_id, seq, at, hash, key_id, signature)
    values (v_tenant, v_last.seq, v_last.at, v_last.hash, v_key.key_id,
            public.rae_audit_seal(v_tenant, v_last.seq, v_last.at, v_last.hash, v_key.secret))
    on conflict (tenant_id) do update set seq = excluded.seq, at = excluded.at, hash = excluded.hash,
      key_id = excluded.key_id, signature = excluded.signature;
  return query
    with gone as (delete from public.audit_log a where a.tenant_id = v_tenant and a.seq <= v_last.seq returning 1)
    select count(*), v_oldest, v_last.at from gone;
end
$$;

-- Looks through the current tenant's chain. bad_seq null = every entry is there and as it was written.
create function public.rae_audit_verify() returns table (entries bigint, bad_seq bigint, why text)
  language plpgsql stable parallel unsafe security definer set search_path = ''
as $$
#variable_conflict use_column
declare
  v_tenant constant uuid := public.rae_current_tenant();
  v_seq bigint := 0;
  v_hash bytea := '';
  v_begin public.audit_checkpoints;
  v_head public.audit_heads;
  v_entry public.audit_log;
begin
  entries := 0;
  select c.* into v_begin from public.audit_checkpoints c where c.tenant_id = v_tenant;
  if found then
    if not exists (select from public.audit_keys k where k.key_id = v_begin.key_id
        and public.rae_audit_seal(v_tenant, v_begin.seq, v_begin.at, v_begin.hash, k.secret) = v_begin.signature) then
      return query select entries, v_begin.seq, 'the checkpoint is not signed by this fleet';
      return;
    end if;
    v_seq := v_begin.seq;
    v_hash := v_begin.hash;
  end if;
  for v_entry in select a.* from public.audit_log a where a.tenant_id = v_tenant order by a.seq loop
    if v_entry.seq <> v_seq + 1 then
      return query select entries, v_seq + 1, 'it is missing';
      return;
    end if;
    if v_entry.previous <> v_hash or v_entry.hash <> public.rae_audit_hash(
        v_tenant, v_entry.seq, v_entry.at, v_entry.actor, v_entry.action, v_entry.detail, v_entry.previous) then
      return query select entries, v_entry.seq, 'it was changed';
      return;
    end if;
    v_seq := v_entry.seq;
    v_hash := v_entry.hash;
    entries := entries + 1;
  end loop;
  select h.* into v_head from public.audit_heads h where h.tenant_id = v_tenant;
  if coalesce(v_head.seq, 0) <> v_seq or coalesce(v_head.hash, '') <> v_hash then
    return query select entries, v_seq + 1, 'the end is missing';
    return;
  end if;
  return query select entries, null::bigint, null::text;
end
$$;

revoke all on function public.rae_hmac_sha256(bytea, bytea), public.rae_audit_hash(uuid, bigint, timestamptz, text, text, jsonb, bytea),
  public.rae_audit_seal(uuid, bigint, timestamptz, bytea, bytea), public.rae_audit_append(text, text, jsonb),
  public.rae_audit_shrink(timestamptz, integer), public.rae_audit_verify() from public;
grant execute on function public.rae_audit_append(text, text, jsonb), public.rae_audit_verify() to rae_worker, rae_api;
-- Signs as the fleet: only retention calls it.
grant execute on function public.rae_audit_shrink(timestamptz, integer) to rae_worker;

grant select, insert, update, delete on public.memory_embeddings, public.graph_nodes, public.graph_triples, public.graph_evidence,
  public.cost_logs to rae_worker, rae_api;
grant select, insert, delete on public.graph_losses to rae_worker;
grant insert on public.graph_losses to rae_api;
grant select on public.legal_holds to rae_worker;
grant select, insert, update (released_at) on public.legal_holds to rae_api;
grant select, insert, update on public.deletion_certificates to rae_worker;
grant select on public.deletion_certificates to rae_api;
grant select, insert, update, delete on public.retention_marks to rae_worker;
grant select on public.audit_log, public.audit_heads, public.audit_checkpoints to rae_worker, rae_api;
