-- why:      whoever may write the database can rewrite a whole chain and its head; a signed head that was kept elsewhere tells
-- locks:    none
-- breaking: no

create function public.rae_audit_head_seal(tenant uuid, seq bigint, at timestamptz, hash bytea, secret bytea) returns bytea
  language sql immutable parallel safe security invoker
  return public.rae_hmac_sha256(secret, convert_to(
    'rae head ' || tenant || ' ' || seq || ' ' || (extract(epoch from at) * 1000000)::bigint || ' ', 'UTF8') || hash);

-- The head of the current tenant's chain as one line, signed: rae-audit-head.1.<tenant>.<seq>.<at in µs>.<hash>.<key>.<signature>
create function public.rae_audit_head() returns table (seq bigint, at timestamptz, head text)
  language plpgsql stable parallel unsafe security definer set search_path = ''
as $$
#variable_conflict use_column
declare
  v_tenant constant uuid := public.rae_current_tenant();
  v_key public.audit_keys;
  v_head public.audit_heads;
begin
  select h.* into v_head from public.audit_heads h where h.tenant_id = v_tenant and h.seq > 0;
  if not found then return; end if;
  select k.* into v_key from public.audit_keys k order by k.created_at desc limit 1;
  return query select v_head.seq, v_head.at, pg_catalog.concat_ws('.', 'rae-audit-head', '1', v_tenant, v_head.seq,
    (extract(epoch from v_head.at) * 1000000)::bigint, pg_catalog.encode(v_head.hash, 'hex'), v_key.key_id,
    pg_catalog.encode(public.rae_audit_head_seal(v_tenant, v_head.seq, v_head.at, v_head.hash, v_key.secret), 'hex'));
end
$$;

-- Whether the current tenant's chain still goes through a head that was kept. bad_seq null = it does, as far as retention left it.
create function public.rae_audit_verify_head(head text) returns table (bad_seq bigint, why text)
  language plpgsql stable parallel unsafe security definer set search_path = ''
as $$
#variable_conflict use_column
declare
  v_tenant constant uuid := public.rae_current_tenant();
  v_part constant text[] := pg_catalog.regexp_match(head,
    '^rae-audit-head\.1\.([0-9a-f-]{36})\.(\d{1,18})\.(\d{1,18})\.([0-9a-f]{64})\.([0-9a-f-]{8})\.([0-9a-f]{64})$');
  v_seq bigint;
  v_hash bytea;
  v_begin public.audit_checkpoints;
  v_found bytea;
begin
  if v_part is null then
    raise exception using errcode = 'invalid_parameter_value', message = 'this is no head of an audit log';
  end if;
  v_seq := v_part[2]::bigint;
  v_hash := pg_catalog.decode(v_part[4], 'hex');
  if v_part[1]::uuid <> v_tenant then
    return query select v_seq, 'the head is of another log';
    return;
  end if;
  if not exists (select from public.audit_keys k where k.key_id = v_part[5] and pg_catalog.decode(v_part[6], 'hex') =
      public.rae_audit_head_seal(v_tenant, v_seq, 'epoch'::timestamptz + v_part[3]::bigint * interval '1 microsecond', v_hash, k.secret)) then
    return query select v_seq, 'the head is not signed by this fleet';
    return;
  end if;
  select c.* into v_begin from public.audit_checkpoints c where c.tenant_id = v_tenant;
  -- What retention has removed cannot be looked at any more; where it ends the checkpoint says.
  if v_begin.seq > v_seq then
    return query select null::bigint, null::text;
    return;
  end if;
  if v_begin.seq = v_seq then
    v_found := v_begin.hash;
  else
    select a.hash into v_found from public.audit_log a where a.tenant_id = v_tenant and a.seq = v_seq;
  end if;
  if v_found is null then
    return query select v_seq, 'it is missing, and was the end when the head was taken';
  elsif v_found <> v_hash then
    return query select v_seq, 'the log was written anew: it is another entry than when the head was taken';
  else
    return query select null::bigint, null::text;
  end if;
end
$$;

revoke all on function public.rae_audit_head_seal(uuid, bigint, timestamptz, bytea, bytea), public.rae_audit_head(),
  public.rae_audit_verify_head(text) from public;
grant execute on function public.rae_audit_head(), public.rae_audit_verify_head(text) to rae_api;
