-- The login roles of a fleet: each a member of the roles it acts as and of nothing else, never a superuser.
-- psql variables: scheduler, worker, api, operator, commands = their passwords. Safe to repeat; a repeat sets the passwords anew.
\set ON_ERROR_STOP on
begin;
-- Two at once would both find a role missing.
select pg_advisory_xact_lock(hashtext('rae logins'));
-- A password must not reach the server's log with a statement that fails or is slow.
set local log_statement = 'none';
set local log_min_error_statement = 'panic';
set local log_min_duration_statement = -1;
select format('create role %I login', name)
  from unnest(array['fleet_scheduler', 'fleet_worker', 'fleet_api', 'fleet_operator', 'fleet_commands']) as name
 where not exists (select from pg_catalog.pg_roles where rolname = name)
\gexec
alter role fleet_scheduler login inherit password :'scheduler';
alter role fleet_worker login inherit password :'worker';
alter role fleet_api login inherit password :'api';
alter role fleet_operator login inherit password :'operator';
alter role fleet_commands login inherit password :'commands';
grant rae_scheduler to fleet_scheduler;
grant rae_worker to fleet_worker;
grant rae_api to fleet_api;
grant rae_operator to fleet_operator;
grant rae_operator, rae_api to fleet_commands;
commit;
