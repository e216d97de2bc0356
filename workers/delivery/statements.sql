-- Role rae_worker, inside the tenant.

-- statement: release
-- takes $1 tenant uuid
-- gives nothing; what an attempt that ended without a word was sending is to be sent now: it may have arrived, or not
-- again safe
-- locks the messages
-- index messages_sending_idx
update public.messages set state = 'pending', next_attempt_at = clock_timestamp()
 where tenant_id = $1 and ended_at is null and state = 'sending'

-- statement: giveUp
-- takes $1 tenant uuid, $2 how long a message is tried in seconds int, $3 limit int
-- gives {message_id uuid} per message that is dead now: its time is over, and its endpoint is not called for now
-- again safe
-- locks the messages
-- index messages_waiting_idx
update public.messages m set state = 'dead', reason = 'gave_up', ended_at = clock_timestamp(),
       last_error = left('not delivered within ' || round($2::int / 3600.0, 1) || ' h'
         || coalesce('; ' || m.last_error, '; its endpoint failed: ' || (
           select b.last_error from public.message_endpoints b where b.tenant_id = $1 and b.endpoint = m.endpoint), ''), 1000)
 where m.tenant_id = $1 and m.message_id in (
   select o.message_id from public.messages o where o.tenant_id = $1 and o.ended_at is null
      and o.tried_since < clock_timestamp() - make_interval(secs => $2::int)
      and (o.attempts > 0 or exists (select from public.message_endpoints b
        where b.tenant_id = $1 and b.endpoint = o.endpoint and b.open_until > clock_timestamp()))
    order by o.tried_since limit $3::int)
returning m.message_id

-- statement: take
-- takes $1 tenant uuid, $2 endpoints at work text[], $3 most per endpoint int, $4 most endpoints int, $5 how long sending may take in seconds int
-- gives {message_id, endpoint, channel jsonb, type, data text, attempts int, refusals int, created_at timestamptz, age_ms float8, failures int, openings int}
--   per message that is to be sent now, with what is known of its endpoint; each is claimed: its attempts have grown
-- again takes others
-- locks the messages
-- index messages_open_idx, message_endpoints_pkey
with recursive ends (endpoint) as (
  (select m.endpoint from public.messages m where m.tenant_id = $1 and m.ended_at is null order by m.endpoint limit 1)
  union all
  select (select m.endpoint from public.messages m where m.tenant_id = $1 and m.ended_at is null and m.endpoint > e.endpoint
           order by m.endpoint limit 1)
    from ends e where e.endpoint is not null),
ready as (
  -- One alone tries an endpoint that failed: many would wait for its time-out together.
  select e.endpoint, case when b.open_until is null then $3::int else 1 end as most
    from ends e left join public.message_endpoints b on b.tenant_id = $1 and b.endpoint = e.endpoint
   where e.endpoint is not null and e.endpoint <> all ($2::text[])
     and (b.open_until is null or b.open_until <= clock_timestamp())),
due as (
  select d.ids from ready r cross join lateral (
    select array_agg(o.message_id) as ids, min(o.next_attempt_at) as first from (
      select m.message_id, m.next_attempt_at from public.messages m
       where m.tenant_id = $1 and m.endpoint = r.endpoint and m.ended_at is null and m.next_attempt_at <= clock_timestamp()
       order by m.next_attempt_at, m.message_id limit r.most) o) d
   where d.ids is not null order by d.first limit $4::int),
taken as (
  update public.messages m set state = 'sending', attempts = m.attempts + 1,
         next_attempt_at = clock_timestamp() + make_interval(secs => $5::int)
    from (select unnest(d.ids) as message_id from due d) d where m.tenant_id = $1 and m.message_id = d.message_id
  returning m.*)
select t.message_id, t.endpoint, t.channel, t.type, t.data::text as data, t.attempts, t.refusals, t.created_at,
       (extract(epoch from clock_timestamp() - t.tried_since) * 1000)::float8 as age_ms,
       coalesce(b.failures, 0) as failures, coalesce(b.openings, 0) as openings
  from taken t left join public.message_endpoints b on b.tenant_id = $1 and b.endpoint = t.endpoint
 order by t.created_at, t.message_id

-- statement: record
-- takes $1 tenant uuid, $2 messages uuid[], $3 their attempts int[], $4 states text[], $5 refusals int[], $6 waits in milliseconds int[], $7 errors text[], $8 reasons text[]
-- gives {message_id} per message that was still that attempt's
-- again changes nothing: the message is no longer being sent
-- locks the messages
-- index messages_pkey
update public.messages m set state = r.state, refusals = r.refusals, last_error = r.error, reason = r.reason,
       next_attempt_at = clock_timestamp() + r.wait * interval '1 millisecond',
       ended_at = case when r.state in ('delivered', 'dead') then clock_timestamp() end
  from unnest($2::uuid[], $3::int[], $4::text[], $5::int[], $6::int[], $7::text[], $8::text[])
       r (message_id, attempts, state, refusals, wait, error, reason)
 where m.tenant_id = $1 and m.message_id = r.message_id and m.attempts = r.attempts and m.state = 'sending'
returning m.message_id

-- statement: mended
-- takes $1 tenant uuid, $2 endpoint text
-- gives nothing; the endpoint is called as any other
-- again safe
-- locks the endpoint's row
-- index message_endpoints_pkey
delete from public.message_endpoints where tenant_id = $1 and endpoint = $2

-- statement: failing
-- takes $1 tenant uuid, $2 endpoint text, $3 failures int, $4 openings int, $5 not to be called for so many milliseconds int (null = it may be), $6 error text
-- gives nothing; what is known of the endpoint
-- again safe, but for the time
-- locks the endpoint's row
-- index message_endpoints_pkey
insert into public.message_endpoints as b (tenant_id, endpoint, failures, openings, open_until, last_error)
values ($1, $2, $3, $4, clock_timestamp() + $5::int * interval '1 millisecond', $6)
on conflict (tenant_id, endpoint) do update set failures = excluded.failures, openings = excluded.openings,
  open_until = excluded.open_until, last_error = excluded.last_error, changed_at = now()

-- statement: sweep
-- takes $1 tenant uuid, $2 days that delivered ones are kept int, $3 days that dead ones are int, $4 limit int
-- gives {swept int}
-- again safe
-- locks what goes
-- index messages_ended_idx
with old as (
  (select m.message_id from public.messages m where m.tenant_id = $1 and m.state = 'delivered'
      and m.ended_at < now() - make_interval(days => $2::int) limit $4::int)
  union all
  (select m.message_id from public.messages m where m.tenant_id = $1 and m.state = 'dead'
      and m.ended_at < now() - make_interval(days => $3::int) limit $4::int)),
gone as (
  delete from public.messages m using old o where m.tenant_id = $1 and m.message_id = o.message_id returning 1)
select count(*)::int as swept from gone

-- statement: rest
-- takes $1 tenant uuid, $2 how long a message is tried in seconds int, $3 days that delivered ones are kept int, $4 days that dead ones are int
-- gives {due boolean}: whether something is to be done at once; what is to be done later is written down, so that time alone wakes it
-- again safe
-- locks the tenant's cadence row of this worker
-- index messages_open_idx, messages_waiting_idx, messages_ended_idx, message_endpoints_pkey
with recursive ends (endpoint) as (
  (select m.endpoint from public.messages m where m.tenant_id = $1 and m.ended_at is null order by m.endpoint limit 1)
  union all
  select (select m.endpoint from public.messages m where m.tenant_id = $1 and m.ended_at is null and m.endpoint > e.endpoint
           order by m.endpoint limit 1)
    from ends e where e.endpoint is not null),
times (at) as (
  select greatest(b.open_until, (
      select o.next_attempt_at from public.messages o where o.tenant_id = $1 and o.endpoint = e.endpoint and o.ended_at is null
       order by o.next_attempt_at limit 1))
    from ends e left join public.message_endpoints b on b.tenant_id = $1 and b.endpoint = e.endpoint where e.endpoint is not null
  union all
  -- The oldest may be given up before its endpoint is called again; not before now, so that a run does not chase itself.
  select greatest(clock_timestamp() + interval '1 minute', w.at + make_interval(secs => $2::int)) from (
    select o.tried_since as at from public.messages o where o.tenant_id = $1 and o.ended_at is null order by o.tried_since limit 1) w
  union all
  -- What has been kept for long enough leaves once a day.
  select greatest(clock_timestamp() + interval '1 minute', k.at + interval '1 day') from (
    select m.ended_at + make_interval(days => $3::int) as at from public.messages m
     where m.tenant_id = $1 and m.state = 'delivered' order by m.ended_at limit 1) k
  union all
  select greatest(clock_timestamp() + interval '1 minute', k.at + interval '1 day') from (
    select m.ended_at + make_interval(days => $4::int) as at from public.messages m
     where m.tenant_id = $1 and m.state = 'dead' order by m.ended_at limit 1) k),
next as (select min(at) as at from times),
noted as (
  insert into public.tenant_cadences as c (tenant_id, worker, due_at) select $1, 'delivery', n.at from next n
  on conflict (tenant_id, worker) do update set due_at = excluded.due_at where c.due_at is distinct from excluded.due_at)
select coalesce(n.at <= clock_timestamp(), false) as due from next n
