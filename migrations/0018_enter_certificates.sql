-- why:      every deletion certificate is entered in its tenant's audit log by the run that completes it
-- locks:    deletion_certificates, for a moment: its new column is empty
-- breaking: no

alter table public.deletion_certificates add column audit_seq bigint;
comment on column public.deletion_certificates.audit_seq is 'the entry of the audit log that says what it says now; null = not entered as it stands';
-- serves the end of a run of retention
create index deletion_certificates_entry_idx on public.deletion_certificates (tenant_id) where audit_seq is null;
