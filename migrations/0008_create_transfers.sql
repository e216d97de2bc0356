-- why:      how far each import of a file has come, so that one that was cut off goes on behind its last committed batch
-- locks:    none on existing data: a new table only
-- breaking: no

create table public.transfers (
  tenant_id uuid not null,
  -- What the file is known by: a hash of its begin and of how it is read.
  fingerprint text not null check (fingerprint ~ '^[0-9a-f]{64}$'),
  -- Bytes and lines of the file whose rows are dealt with.
  position bigint not null default 0 check (position >= 0),
  lines bigint not null default 0 check (lines >= 0),
  -- A hash of the file's begin as far as it was read, which may be within a row.
  hashed bigint not null default 0 check (hashed >= position),
  prefix_hash text,
  rows_read bigint not null default 0,
  imported bigint not null default 0,
  updated bigint not null default 0,
  skipped bigint not null default 0,
  rejected bigint not null default 0,
  -- How long the reject file is as of the last committed batch.
  reject_bytes bigint not null default 0 check (reject_bytes >= 0),
  started_at timestamptz not null default now(),
  changed_at timestamptz not null default now(),
  finished_at timestamptz,
  primary key (tenant_id, fingerprint)
);
call public.rae_guard_table('public.transfers', false);

grant select, insert, update, delete on public.transfers to rae_api;
