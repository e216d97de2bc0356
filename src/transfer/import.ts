import type { Readable } from 'node:stream';
import type { TenantContext } from '../db/tenant-context.ts';
import type { Clock } from '../kernel/clock.ts';
import { RaeError } from '../kernel/errors.ts';
import { AtomicImport } from './atomic-import.ts';
import { BatchImport } from './batch-import.ts';
import { type FileForm, type Format, formOf, type SaidForm } from './file-form.ts';
import type { Counts } from './import-book.ts';
import type { KindName } from './kind.ts';
import type { ConflictRule } from './landing.ts';
import { LoadMaker } from './load-maker.ts';
import { RowFault } from './row-fault.ts';
import { openSource } from './source-file.ts';

/** What an import works with. */
export interface ImportPorts {
  /** As `rae_api`, without a limit on how long a statement takes. */
  readonly tenants: TenantContext;
  readonly clock: Clock;
  readonly stdin: Readable;
}

/** What is to be imported, and how. */
export interface ImportRequest extends SaidForm {
  readonly tenantId: string;
  /** A path, or `-` for standard input. */
  readonly file: string;
  /** What becomes of a row that is there already. Default: it stays. */
  readonly onConflict: ConflictRule;
  readonly ignoreUnknown: boolean;
  readonly fromTenant?: string | undefined;
  /** Undefined: all rows or none. Else in batches, and the rows that cannot be taken are listed in this file. */
  readonly rejects?: string | undefined;
  /** In batches: begin at the file's begin, although an import of it was cut off or came to its end. */
  readonly restart?: boolean;
  /** Told of a column that is read over. */
  readonly onIgnored: (kind: KindName, column: string) => void;
  /** Told after each batch. */
  readonly onProgress?: (progress: ImportProgress) => void;
}

/** How far an import is. */
export interface ImportProgress {
  readonly counts: Counts;
  /** Bytes of the file that are dealt with, and all of them where that is known. */
  readonly position: number;
  readonly size: number | undefined;
  /** Rows and bytes that this call did not read itself, since an earlier one had. */
  readonly before: { readonly read: number; readonly position: number };
  readonly seconds: number;
}

/** What an import did. */
export interface ImportReport {
  readonly format: Format;
  readonly counts: Counts;
  /** The line behind which it went on; 0: it began at the begin. */
  readonly resumedAfterLine: number;
  readonly seconds: number;
  /** Rows a second, of those that this call read. */
  readonly rate: number;
}

/**
 * Imports a file into a tenant, streamed: a few blocks of it are in memory at a time, and it is read no faster than the
 * database takes it. Ids are kept, so that importing a file twice changes nothing the second time.
 * @throws RaeError `RAE_USAGE` for a file that cannot be read or told; `RAE_ROW_INVALID`, naming line and column, for a
 *   row that cannot be taken where all or nothing is asked for. Nothing has changed then.
 */
export async function importFile(ports: ImportPorts, request: ImportRequest): Promise<ImportReport> {
  const source = await openSource(request.file, ports.stdin);
  const form = formOf(source, request);
  const began = ports.clock.monotonicMs();
  const seconds = () => (ports.clock.monotonicMs() - began) / 1_000;
  const maker = makerOf(source.name, form, ports.clock.now(), request);
  const progress = (counts: Counts, position: number, before: ImportProgress['before']) =>
    request.onProgress?.({ counts, position, size: source.size, before, seconds: seconds() });
  const parts = { tenants: ports.tenants, request, source, form, maker, progress };
  const { counts, before, lines } =
    request.rejects === undefined
      ? await new AtomicImport(parts).run()
      : await new BatchImport({ ...parts, rejects: request.rejects }).run();
  const took = seconds();
  const rate = Math.round((counts.read - before) / Math.max(took, 0.001));
  return { format: form.format, counts, resumedAfterLine: lines, seconds: took, rate };
}

function makerOf(name: string, form: FileForm, now: Date, request: ImportRequest): LoadMaker {
  const { tenantId, fromTenant, ignoreUnknown, onIgnored } = request;
  try {
    return new LoadMaker(form, { tenantId, fromTenant, ignoreUnknown, onIgnored, now });
  } catch (error) {
    if (!(error instanceof RowFault)) throw error;
    throw new RaeError('RAE_USAGE', `${name}, line 1: the column ${error.says}`, {
      hint: error.message.startsWith('is no column') ? 'or read over such columns with --ignore-unknown' : undefined,
    });
  }
}
