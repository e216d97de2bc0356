import { resolve } from 'node:path';
import { enter, OPERATOR } from '../audit/log.ts';
import { isConflict } from '../db/sqlstate.ts';
import { RaeError } from '../kernel/errors.ts';
import { badRows, isAboutRows, without } from './bad-rows.ts';
import { ImportBook, type Mark, NO_COUNTS } from './import-book.ts';
import { counted, type ImportEnd, type ImportParts } from './import-parts.ts';
import { type Landed, type Load, land } from './landing.ts';
import { RejectFile } from './reject-file.ts';
import { fingerprintOf, type Rest, restFrom } from './resuming.ts';
import type { Reject } from './row-fault.ts';
import { rowStream, type StreamedRows } from './row-stream.ts';

/** How often a batch is tried that loses to other transactions. */
const MOST_TRIES = 5;

/** What an import in batches needs besides. */
export interface BatchParts extends ImportParts {
  /** Where the rows are listed that cannot be taken. */
  readonly rejects: string;
}

/** An import of every row that can be taken, a batch a transaction; each says in its own transaction how far it is. */
export class BatchImport {
  readonly #parts: BatchParts;
  readonly #book: ImportBook;
  #mark: Mark;

  constructor(parts: BatchParts) {
    this.#parts = parts;
    const { source, form, request } = parts;
    if (resolve(source.name) === resolve(parts.rejects))
      throw new RaeError('RAE_USAGE', `the reject file must not be the file itself: ${parts.rejects}`);
    this.#book = new ImportBook(request.tenantId, fingerprintOf(source, form, request.fromTenant));
    this.#mark = this.#begin;
  }

  async run(): Promise<ImportEnd> {
    const { maker, form } = this.#parts;
    const { pieces, hash } = await this.#resumed();
    const begin = this.#mark;
    const rejects = new RejectFile(this.#parts.rejects, begin.rejectBytes);
    try {
      let under: Promise<void> = Promise.resolve();
      for await (const rows of rowStream(form, pieces, begin, hash, begin.hashed)) {
        const made = await maker.make(rows.rows);
        const digest = rows.hash();
        await under;
        under = this.#take(rows, digest, made.load, made.rejects, rejects, begin);
        // It is waited for above; until then its failure must not count as one that nobody sees.
        under.catch(() => undefined);
      }
      await under;
      return { counts: this.#mark.counts, before: begin.counts.read, lines: begin.lines };
    } finally {
      rejects.close();
    }
  }

  get #begin(): Mark {
    const { position, lines } = this.#parts.form;
    return {
      position,
      lines,
      hashed: position,
      prefixHash: null,
      counts: NO_COUNTS,
      rejectBytes: 0,
      isFinished: false,
    };
  }

  /** Goes to where the import of this file was left, or begins it. */
  async #resumed(): Promise<Rest> {
    const { tenants, request, source } = this.#parts;
    const found = await tenants.inTenant(request.tenantId, (tx) => this.#book.find(tx));
    if (found !== undefined && request.restart !== true && found.prefixHash !== null) {
      const rest = await restFrom(source, found);
      if (rest.isSame) {
        this.#mark = found;
        return rest;
      }
      throw new RaeError(
        'RAE_REFUSED',
        `${source.name} begins like a file that was imported before, but is another by now`,
        {
          hint: 'import it from its begin with --restart; rows that are there already are dealt with as --on-conflict says',
        },
      );
    }
    await tenants.inTenant(request.tenantId, async (tx) => {
      await this.#book.begin(tx);
      await this.#book.advance(tx, 0, this.#begin);
    });
    return await restFrom(source, this.#begin);
  }

  /** Takes one batch: its rows and how far they reach are one transaction. */
  async #take(
    rows: StreamedRows,
    digest: string,
    load: Load,
    refused: readonly Reject[],
    file: RejectFile,
    begin: Mark,
  ): Promise<void> {
    const { tenants, request, progress } = this.#parts;
    const before = this.#mark;
    const known: Reject[] = [];
    for (let tries = 1; ; tries += 1) {
      try {
        this.#mark = await tenants.inTenant(request.tenantId, async (tx) => {
          const landed = await land(tx, request.tenantId, without(load, known), {
            onConflict: request.onConflict,
            moreFollows: false,
          });
          const mark = this.#after(before, rows, digest, [...refused, ...known], landed, file);
          await this.#book.advance(tx, before.position, mark);
          if (mark.isFinished) await enter(tx, OPERATOR, 'tenant.imported', { ...mark.counts });
          return mark;
        });
        break;
      } catch (error) {
        file.cut(before.rejectBytes);
        if (isAboutRows(error) && known.length === 0) {
          known.push(...(await badRows(tenants, request.tenantId, load, request.onConflict)));
          if (known.length === 0) throw error;
        } else if (!isConflict(error) || tries >= MOST_TRIES) throw error;
      }
    }
    progress(this.#mark.counts, this.#mark.position, { read: begin.counts.read, position: begin.position });
  }

  #after(
    before: Mark,
    rows: StreamedRows,
    digest: string,
    refused: readonly Reject[],
    landed: Landed,
    file: RejectFile,
  ): Mark {
    // Written before the commit: what the record counts is in the file, and what is more is written again after a crash.
    file.append([...refused, ...landed.rejects].sort((a, b) => a.line - b.line));
    return {
      position: rows.position,
      lines: rows.lines,
      hashed: rows.hashed,
      prefixHash: digest,
      counts: counted(before.counts, rows.rows.length, refused.length, landed),
      rejectBytes: file.bytes,
      isFinished: rows.isLast,
    };
  }
}
