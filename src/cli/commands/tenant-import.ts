import { Option } from 'commander';
import { RaeError } from '../../kernel/errors.ts';
import { TenantRegistry } from '../../tenant/registry.ts';
import type { Format } from '../../transfer/file-form.ts';
import { type ImportProgress, type ImportReport, importFile } from '../../transfer/import.ts';
import type { KindName } from '../../transfer/kind.ts';
import { CONFLICT_RULES, type ConflictRule } from '../../transfer/landing.ts';
import type { Call } from '../call.ts';
import type { Command } from '../command.ts';
import { argument, oneOf, option, tenantId, text } from '../option.ts';
import { delimiter, fileOrStream, formatOption, kindOfRows } from '../transfer-option.ts';
import { grouped, TransferProgress, timeLeft } from '../transfer-progress.ts';

interface Options {
  readonly file: string;
  readonly kind?: KindName;
  readonly format?: Format;
  readonly delimiter?: string;
  readonly onConflict: ConflictRule;
  readonly batches?: boolean;
  readonly rejects?: string;
  readonly restart?: boolean;
  readonly ignoreUnknown?: boolean;
  readonly fromTenant?: string;
}

export const tenantImport: Command = {
  name: 'import',
  does: 'Takes a file of memories and what belongs to them into a tenant: all rows or none, or in batches that go on where they were cut off.',
  arguments: [argument('<tenant>', 'its id', tenantId)],
  needs: [option('--file <file>', 'JSONL or CSV; - reads standard input', fileOrStream)],
  options: [
    option('--kind <kind>', 'of which kind rows are that do not say it (default: told by the file)', kindOfRows),
    formatOption,
    option('--delimiter <char>', 'what stands between the cells of CSV, or tab (default: a comma)', delimiter),
    option('--on-conflict <rule>', 'a row that is there already: skip, update or fail', oneOf(CONFLICT_RULES)).default(
      'skip',
    ),
    new Option(
      '--batches',
      'commit batch by batch, put rows aside that cannot be taken, and go on where this file was left',
    ),
    option('--rejects <file>', 'with --batches: where such rows are listed (default: <file>.rejects.jsonl)', text),
    new Option('--restart', 'with --batches: from the begin of the file again'),
    new Option('--ignore-unknown', 'read over columns that are unknown'),
    option('--from-tenant <id>', 'take rows that say they are of this tenant for those of <tenant>', text),
  ],
  examples: [
    'rae tenant import 3f2a8c54-1f7e-4c0b-9a53-0d7e2b1c9f10 --file memories.jsonl',
    'rae tenant import 3f2a8c54-1f7e-4c0b-9a53-0d7e2b1c9f10 --file cost_logs.csv --batches --json',
    'gunzip -c all.jsonl.gz | rae tenant import 3f2a8c54-1f7e-4c0b-9a53-0d7e2b1c9f10 --file -',
  ],
  run: async (call) => {
    const [tenant] = call.args<[string]>();
    const options = call.options<Options>();
    const rejects = rejectsOf(options);
    await openTenant(call, tenant);
    const { clock } = call.ports;
    const progress = new TransferProgress(call.out, clock);
    const report = await importFile(
      { tenants: call.connection.transfers, clock, stdin: process.stdin },
      {
        ...options,
        tenantId: tenant,
        rejects,
        ignoreUnknown: options.ignoreUnknown === true,
        onIgnored: (kind, column) => call.warn(`${kind} has no column ${column}: it is read over`),
        onProgress: (now) => progress.say(() => shown(now)),
      },
    );
    return {
      json: reportJson(options, report, rejects),
      text: () => told(report, rejects),
      exit: report.counts.rejected > 0 ? 1 : 0,
    };
  },
};

function rejectsOf({ file, batches, rejects, restart }: Options): string | undefined {
  if (batches !== true) {
    const alone = rejects === undefined ? (restart === true ? '--restart' : undefined) : '--rejects';
    if (alone === undefined) return undefined;
    throw new RaeError('RAE_USAGE', `${alone} is for --batches: without it all rows are taken or none`);
  }
  if (rejects !== undefined) return rejects;
  if (file !== '-') return `${file}.rejects.jsonl`;
  throw new RaeError('RAE_USAGE', '--rejects is missing: standard input has no name to make one of');
}

/** @throws RaeError `RAE_TENANT_UNKNOWN`, or `RAE_REFUSED` for one that is deleted: its data is to go, not to come */
async function openTenant(call: Call, tenant: string): Promise<void> {
  const { status } = await new TenantRegistry(call.connection.as('rae_operator')).show(tenant);
  if (status === 'deleted')
    throw new RaeError('RAE_REFUSED', `the tenant ${tenant} is deleted; nothing is taken into it`);
}

function shown({ counts, position, size, before, seconds }: ImportProgress): string {
  const rate = grouped((counts.read - before.read) / Math.max(seconds, 0.001));
  const share = size === undefined ? '' : ` (${Math.floor((position / Math.max(size, 1)) * 100)} %)`;
  const rest = size === undefined ? undefined : size - before.position;
  const rejected = counts.rejected === 0 ? '' : `, ${grouped(counts.rejected)} rejected`;
  return `${grouped(counts.read)} rows${share}, ${rate} rows/s${timeLeft(position - before.position, rest, seconds)}${rejected}`;
}

function reportJson(options: Options, report: ImportReport, rejects: string | undefined): unknown {
  const { counts, seconds, rate, format, resumedAfterLine } = report;
  return {
    file: options.file,
    format,
    mode: rejects === undefined ? 'all_or_nothing' : 'batches',
    rows_read: counts.read,
    imported: counts.imported,
    updated: counts.updated,
    skipped: counts.skipped,
    rejected: counts.rejected,
    rejects: counts.rejected > 0 ? (rejects ?? null) : null,
    resumed_after_line: resumedAfterLine,
    seconds: Math.round(seconds * 1_000) / 1_000,
    rate,
  };
}

function told({ counts, seconds, rate, resumedAfterLine }: ImportReport, rejects: string | undefined): string {
  const { read, imported, updated, skipped, rejected } = counts;
  const parts = [
    `${grouped(imported)} imported`,
    ...(updated > 0 ? [`${grouped(updated)} updated`] : []),
    ...(skipped > 0 ? [`${grouped(skipped)} skipped: there already`] : []),
    ...(rejected > 0 ? [`${grouped(rejected)} rejected: see ${rejects}`] : []),
  ];
  const resumed = resumedAfterLine > 0 ? `; gone on behind line ${grouped(resumedAfterLine)}` : '';
  return `${grouped(read)} rows: ${parts.join(', ')} (${seconds.toFixed(1)} s, ${grouped(rate)} rows/s${resumed})`;
}
