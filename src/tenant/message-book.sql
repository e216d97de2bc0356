-- Role rae_api, inside the tenant.

-- statement: list
-- takes $1 tenant uuid, $2 state text (null = any), $3 made before timestamptz (null = any), $4 limit int
-- gives the tenant's messages without their data, the newest first
-- again safe: reads only
-- locks none
-- index messages_pkey: looks at every message of the tenant
select m.message_id, m.type, m.endpoint, m.state, m.attempts, m.created_at, m.ended_at, m.last_error, m.reason,
       case when m.ended_at is null then greatest(m.next_attempt_at, b.open_until) end as next_attempt_at
  from public.messages m left join public.message_endpoints b on b.tenant_id = $1 and b.endpoint = m.endpoint
 where m.tenant_id = $1 and ($2::text is null or m.state = $2) and ($3::timestamptz is null or m.created_at < $3)
 order by m.created_at desc, m.message_id limit $4::int

-- statement: page
-- takes $1 tenant uuid, $2 state text (null = any), $3 made before timestamptz (null = any), $4 and of those of that instant only above message uuid, $5 limit int
-- gives the tenant's messages without their data, the newest first, with made text: created_at to the microsecond
-- again safe: reads only
-- locks none
-- index messages_pkey: looks at every message of the tenant
select m.message_id, m.type, m.endpoint, m.state, m.attempts, m.created_at, m.ended_at, m.last_error, m.reason,
       case when m.ended_at is null then greatest(m.next_attempt_at, b.open_until) end as next_attempt_at,
       to_char(m.created_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as made
  from public.messages m left join public.message_endpoints b on b.tenant_id = $1 and b.endpoint = m.endpoint
 where m.tenant_id = $1 and ($2::text is null or m.state = $2)
   and ($3::timestamptz is null or m.created_at < $3::timestamptz or m.created_at = $3::timestamptz and m.message_id > $4::uuid)
 order by m.created_at desc, m.message_id limit $5::int

-- statement: find
-- takes $1 tenant uuid, $2 message uuid
-- gives {state text} where the tenant has it
-- again safe: reads only
-- locks none
-- index messages_pkey
select state from public.messages where tenant_id = $1 and message_id = $2

-- statement: retry
-- takes $1 tenant uuid, $2 message uuid (null = all that are dead), $3 limit int
-- gives {message_id uuid} per message that is to be sent again now: its time and its tries begin anew
-- again safe
-- locks the messages
-- index messages_pkey, messages_ended_idx
update public.messages m set state = 'pending', reason = null, ended_at = null, refusals = 0, next_attempt_at = now(), tried_since = now()
 where m.tenant_id = $1 and m.message_id in (
   select o.message_id from public.messages o
    where o.tenant_id = $1 and (o.message_id = $2 and o.state in ('pending', 'dead') or $2 is null and o.state = 'dead') limit $3::int)
returning m.message_id

-- statement: call
-- takes $1 tenant uuid, $2 messages uuid[]
-- gives nothing; their endpoints are called again, however they failed before
-- again safe
-- locks the endpoints' rows
-- index message_endpoints_pkey
delete from public.message_endpoints b where b.tenant_id = $1
   and b.endpoint in (select m.endpoint from public.messages m where m.tenant_id = $1 and m.message_id = any ($2::uuid[]))

-- statement: wake
-- takes $1 tenant uuid
-- gives nothing; delivery looks at the tenant's messages
-- again safe
-- locks the new hint
-- index none
insert into public.due_hints (tenant_id, kind) values ($1, 'message')
