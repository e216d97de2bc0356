import type { TenantContext } from '../db/tenant-context.ts';
import type { FileForm } from './file-form.ts';
import type { Counts } from './import-book.ts';
import type { ConflictRule, Landed } from './landing.ts';
import type { LoadMaker } from './load-maker.ts';
import type { SourceFile } from './source-file.ts';

/** What both ways of importing work with. */
export interface ImportParts {
  readonly tenants: TenantContext;
  readonly request: {
    readonly tenantId: string;
    readonly onConflict: ConflictRule;
    readonly fromTenant?: string | undefined;
    readonly restart?: boolean;
  };
  readonly source: SourceFile;
  readonly form: FileForm;
  readonly maker: LoadMaker;
  /** Told how far it is. @param before what an earlier call had read */
  readonly progress: (
    counts: Counts,
    position: number,
    before: { readonly read: number; readonly position: number },
  ) => void;
}

/** How an import ended. */
export interface ImportEnd {
  readonly counts: Counts;
  /** Rows that an earlier call had read. */
  readonly before: number;
  /** The line behind which it went on. */
  readonly lines: number;
}

/** What has been done, with one more load. @param read how many rows it was made of @param refused those that never got so far */
export function counted(sum: Counts, read: number, refused: number, landed: Landed): Counts {
  return {
    read: sum.read + read,
    imported: sum.imported + landed.imported,
    updated: sum.updated + landed.updated,
    skipped: sum.skipped + landed.skipped,
    rejected: sum.rejected + refused + landed.rejects.length,
  };
}
