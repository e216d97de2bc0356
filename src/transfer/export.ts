import { loadStatements } from '../db/statement.ts';
import type { TenantContext } from '../db/tenant-context.ts';
import type { Clock } from '../kernel/clock.ts';
import type { Format } from './file-form.ts';
import { KIND_NAMES, type KindName } from './kind.ts';
import { KIND_SQL } from './landing.ts';

const sql = loadStatements(new URL('./export.sql', import.meta.url), ['plainForms']);

/** What is to be exported, and where to. */
export interface ExportRequest {
  readonly tenantId: string;
  /** CSV holds rows of one kind; JSONL those of several, each with its kind. */
  readonly kinds: readonly KindName[];
  readonly format: Format;
  /** Takes the bytes of the file, in order; no more are made while it does. */
  readonly take: (piece: Buffer) => Promise<void>;
  /** Told from time to time. */
  readonly onProgress?: (progress: ExportProgress) => void;
}

/** How far an export is. */
export interface ExportProgress {
  readonly kind: KindName;
  readonly bytes: number;
  readonly seconds: number;
}

/** What was exported. */
export interface ExportReport {
  readonly rows: Readonly<Partial<Record<KindName, number>>>;
  readonly bytes: number;
  readonly seconds: number;
}

/**
 * Writes a tenant's rows in the form that an import reads, all of it as of one instant and streamed: neither here nor on
 * the server does more of it wait than a few pieces. The database writes the values itself, so that each comes back as
 * what it is. Rows stand behind those they refer to.
 * @param tenants as `rae_api`, without a limit on how long a statement takes
 */
export async function exportTenant(
  tenants: TenantContext,
  clock: Clock,
  request: ExportRequest,
): Promise<ExportReport> {
  const began = clock.monotonicMs();
  const seconds = () => (clock.monotonicMs() - began) / 1_000;
  const rows: Partial<Record<KindName, number>> = {};
  let bytes = 0;
  await tenants.inSnapshot(request.tenantId, async (tx) => {
    await tx.rows(sql.plainForms);
    for (const kind of KIND_NAMES.filter((name) => request.kinds.includes(name))) {
      const { rows: asJson, cells: asCsv } = KIND_SQL[kind];
      rows[kind] = await tx.copyOut(request.format === 'csv' ? asCsv : asJson, async (piece) => {
        bytes += piece.length;
        await request.take(piece);
        request.onProgress?.({ kind, bytes, seconds: seconds() });
      });
    }
  });
  return { rows, bytes, seconds: seconds() };
}
