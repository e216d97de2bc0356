import { createHash } from 'node:crypto';
import { enter, OPERATOR } from '../audit/log.ts';
import type { Transaction } from '../db/database.ts';
import { RaeError } from '../kernel/errors.ts';
import { badRows, isAboutRows } from './bad-rows.ts';
import { NO_COUNTS } from './import-book.ts';
import { counted, type ImportEnd, type ImportParts } from './import-parts.ts';
import { type Load, land } from './landing.ts';
import { restFrom } from './resuming.ts';
import type { Reject } from './row-fault.ts';
import { rowStream } from './row-stream.ts';

/** A load that the database refused, and why. */
class LoadRefused extends Error {
  readonly load: Load;

  constructor(load: Load, cause: unknown) {
    super('the database refused a load', { cause });
    this.load = load;
  }
}

/** An import of all rows or none, in one transaction. */
export class AtomicImport {
  readonly #parts: ImportParts;

  constructor(parts: ImportParts) {
    this.#parts = parts;
  }

  /** @throws RaeError `RAE_ROW_INVALID` for the first row that cannot be taken. */
  async run(): Promise<ImportEnd> {
    const { tenants, request } = this.#parts;
    try {
      return await tenants.inTenant(request.tenantId, (tx) => this.#all(tx));
    } catch (error) {
      if (!(error instanceof LoadRefused)) throw error;
      // The transaction is undone; now there is time to find out which row it was.
      const [first] = await badRows(tenants, request.tenantId, error.load, request.onConflict);
      if (first !== undefined) throw this.#invalid(first);
      const lines = [...error.load.values()].flatMap((staged) => staged.lines);
      const [from, to] = [Math.min(...lines), Math.max(...lines)];
      const { constraint } = error.cause as { readonly constraint?: string };
      const rule = constraint === undefined ? '' : ` (${constraint})`;
      throw new RaeError(
        'RAE_ROW_INVALID',
        `${this.#parts.source.name}, lines ${from} to ${to}: the database refuses a row${rule}`,
      );
    }
  }

  async #all(tx: Transaction): Promise<ImportEnd> {
    const { request, source, form, maker, progress } = this.#parts;
    const { tenantId, onConflict } = request;
    let counts = NO_COUNTS;
    let under: Promise<void> = Promise.resolve();
    const { pieces } = await restFrom(source, { ...form, hashed: form.position, prefixHash: null });
    for await (const { rows, position } of rowStream(form, pieces, form, createHash('sha256'), form.position)) {
      const { load, rejects } = await maker.make(rows);
      // One load is under way while the next is made: more of them would only fill the memory.
      await under;
      this.#refuse(rejects);
      const land1 = async () => {
        const landed = await refusedAsLoad(load, () => land(tx, tenantId, load, { onConflict, moreFollows: true }));
        this.#refuse(landed.rejects);
        counts = counted(counts, rows.length, 0, landed);
        progress(counts, position, { read: 0, position: 0 });
      };
      under = land1();
      // It is waited for above; until then its failure must not count as one that nobody sees.
      under.catch(() => undefined);
    }
    await under;
    await enter(tx, OPERATOR, 'tenant.imported', { ...counts });
    return { counts, before: 0, lines: 0 };
  }

  #refuse(rejects: readonly Reject[]): void {
    const [first] = [...rejects].sort((a, b) => a.line - b.line);
    if (first !== undefined) throw this.#invalid(first);
  }

  #invalid({ line, column, reason }: Reject): RaeError {
    const place = `${this.#parts.source.name}, line ${line}${column === null ? '' : `, column ${column}`}`;
    return new RaeError('RAE_ROW_INVALID', `${place}: ${reason}`, {
      hint: 'nothing was imported; --batches puts such rows aside and takes the rest',
    });
  }
}

async function refusedAsLoad<T>(load: Load, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw isAboutRows(error) ? new LoadRefused(load, error) : error;
  }
}
