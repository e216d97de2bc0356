import { AuditLog, OPERATOR } from '../../audit/log.ts';
import { RaeError } from '../../kernel/errors.ts';
import { type ExportReport, exportTenant } from '../../transfer/export.ts';
import type { Format } from '../../transfer/file-form.ts';
import { FORMATS } from '../../transfer/file-form.ts';
import { KIND_NAMES, type KindName } from '../../transfer/kind.ts';
import type { Call } from '../call.ts';
import type { Command } from '../command.ts';
import { knownTenant } from '../known-tenant.ts';
import { NewFile } from '../new-file.ts';
import { argument, oneOf, option, repeated, tenantId } from '../option.ts';
import { fileOrStream, kindOfRows } from '../transfer-option.ts';
import { grouped, TransferProgress } from '../transfer-progress.ts';

interface Options {
  readonly file: string;
  readonly kind?: readonly KindName[];
  readonly format: Format;
}

export const tenantExport: Command = {
  name: 'export',
  does: "Writes a tenant's memories and what belongs to them, as of one instant, in the form that import reads.",
  arguments: [argument('<tenant>', 'its id', tenantId)],
  options: [
    repeated('--kind <kind>', 'only rows of this kind; may be given several times (default: all)', kindOfRows),
    option('--format <format>', 'jsonl, or csv of one kind', oneOf(FORMATS)).default('jsonl'),
    option('--file <file>', 'a new file; - writes to standard output', fileOrStream).default('-'),
  ],
  examples: [
    'rae tenant export 3f2a8c54-1f7e-4c0b-9a53-0d7e2b1c9f10 --file acme.jsonl',
    'rae tenant export 3f2a8c54-1f7e-4c0b-9a53-0d7e2b1c9f10 --kind memories --format csv | gzip > memories.csv.gz',
  ],
  run: async (call) => {
    const [tenant] = call.args<[string]>();
    const { file, format, kind: kinds = KIND_NAMES } = call.options<Options>();
    if (format === 'csv' && kinds.length !== 1)
      throw new RaeError('RAE_USAGE', 'a CSV file holds rows of one kind: give one --kind');
    if (file === '-' && call.json)
      throw new RaeError('RAE_USAGE', '--json and the rows would both go to standard output: give --file');
    await knownTenant(call, tenant);
    await new AuditLog(call.connection.tenants).note(tenant, OPERATOR, 'tenant.exported', { kinds, format });
    const report =
      file === '-' ? await toOutput(call, tenant, kinds, format) : await toFile(call, file, tenant, kinds, format);
    if (report === undefined) return undefined;
    return {
      json: {
        file,
        format,
        rows: report.rows,
        bytes: report.bytes,
        seconds: Math.round(report.seconds * 1_000) / 1_000,
      },
      text: () => `${told(report)} to ${file}`,
    };
  },
};

async function toOutput(call: Call, tenant: string, kinds: readonly KindName[], format: Format): Promise<undefined> {
  class Unread extends Error {}
  try {
    const report = await transferred(call, tenant, kinds, format, async (piece) => {
      await call.out.piece(piece);
      if (call.out.isUnread) throw new Unread();
    });
    call.out.say(told(report));
  } catch (error) {
    // Whoever read it (`… | head`) has had enough.
    if (!(error instanceof Unread)) throw error;
  }
  return undefined;
}

async function toFile(
  call: Call,
  path: string,
  tenant: string,
  kinds: readonly KindName[],
  format: Format,
): Promise<ExportReport> {
  const file = await NewFile.open(path);
  try {
    const report = await transferred(call, tenant, kinds, format, (piece) => file.write(piece));
    await file.keep();
    return report;
  } finally {
    await file.close();
  }
}

function transferred(
  call: Call,
  tenantId: string,
  kinds: readonly KindName[],
  format: Format,
  take: (piece: Buffer) => Promise<void>,
): Promise<ExportReport> {
  const { clock } = call.ports;
  const progress = new TransferProgress(call.out, clock);
  return exportTenant(call.connection.transfers, clock, {
    ...{ tenantId, kinds, format, take },
    onProgress: ({ kind, bytes, seconds }) =>
      progress.say(
        () =>
          `${kind}: ${grouped(bytes / 1_000_000)} MB, ${(bytes / 1_000_000 / Math.max(seconds, 0.001)).toFixed(1)} MB/s`,
      ),
  });
}

function told({ rows, bytes, seconds }: ExportReport): string {
  const parts = Object.entries(rows).map(([kind, count]) => `${grouped(count)} ${kind}`);
  return `${parts.join(', ')} (${grouped(bytes)} bytes, ${seconds.toFixed(1)} s)`;
}
