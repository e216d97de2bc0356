-- why:      where each outgoing message stands, and which of a tenant's endpoints are not called for now
-- locks:    messages for a moment: columns with constant defaults, and a generated one, which is computed for what is there
-- breaking: no

alter table public.messages
  -- Whom a failure says something about: all messages of one URL, or all e-mail. Shows no more of a URL than its host.
  add column endpoint text not null generated always as (
    case when channel ->> 'type' = 'email' then 'email'
         else lower(coalesce(substring(channel ->> 'url' from '^[A-Za-z]+://[^/?#@]*'), '')) || ' ' || left(md5(coalesce(channel ->> 'url', '')), 8) end) stored,
  add column state text not null default 'pending' check (state in ('pending', 'sending', 'delivered', 'dead')),
  add column attempts integer not null default 0,
  add column refusals integer not null default 0,
  -- From when on it is (again) to be sent; of one that is being sent: from when on nobody is expected to come back for it.
  add column next_attempt_at timestamptz not null default now(),
  -- When its time to be tried began: at first when it was made, later when somebody asked for it to be tried again.
  add column tried_since timestamptz not null default now(),
  add column last_error text check (length(last_error) <= 1000),
  add column reason text check (length(reason) <= 100),
  add column ended_at timestamptz,
  add constraint messages_end_check check ((state in ('delivered', 'dead')) = (ended_at is not null));
comment on column public.messages.reason is 'of a dead one: refused, gave_up, not_allowed, no_secret, bad_secret, no_mail_server, gone, bad_channel';
-- serve delivery: what is open by endpoint, what has been open for long, what is being sent, what has been kept for long enough
create index messages_open_idx on public.messages (tenant_id, endpoint, next_attempt_at, message_id) where ended_at is null;
create index messages_waiting_idx on public.messages (tenant_id, tried_since) where ended_at is null;
create index messages_sending_idx on public.messages (tenant_id, message_id) where state = 'sending';
create index messages_ended_idx on public.messages (tenant_id, state, ended_at) where ended_at is not null;

create table public.message_endpoints (
  tenant_id uuid not null,
  endpoint text not null,
  failures integer not null default 0,
  openings integer not null default 0,
  open_until timestamptz,
  last_error text check (length(last_error) <= 1000),
  changed_at timestamptz not null default now(),
  primary key (tenant_id, endpoint)
);
comment on table public.message_endpoints is 'endpoints that failed of late: until open_until nothing is sent to one, then a single message tries it; a row leaves with the first success';
call public.rae_guard_table('public.message_endpoints', false);

grant update (state, attempts, refusals, next_attempt_at, tried_since, last_error, reason, ended_at), delete on public.messages to rae_worker;
grant update (state, refusals, next_attempt_at, tried_since, reason, ended_at) on public.messages to rae_api;
grant select (state, ended_at) on public.messages to rae_operator;
grant select, insert, update, delete on public.message_endpoints to rae_worker;
grant select, delete on public.message_endpoints to rae_api;
