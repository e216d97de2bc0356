-- Sent by the role that `rae up` connects as: it owns the database, or is a superuser.

-- statement: loginExists
-- takes $1 name text
-- gives {present boolean}
-- again safe: reads only
-- locks none
-- index none
select exists (select from pg_catalog.pg_roles where rolname = $1::text) as present

-- statement: quoted
-- takes $1 name text, $2 password text
-- gives {name, password} as they stand in a statement that takes no values
-- again safe
-- locks none
-- index none
select quote_ident($1) as name, quote_literal($2) as password

-- statement: self
-- takes nothing
-- gives {superuser boolean} of whoever is connected
-- again safe: reads only
-- locks none
-- index none
select rolsuper as superuser from pg_catalog.pg_roles where rolname = current_user
