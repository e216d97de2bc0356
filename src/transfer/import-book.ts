import type { Transaction } from '../db/database.ts';
import { loadStatements } from '../db/statement.ts';
import { RaeError } from '../kernel/errors.ts';

const sql = loadStatements(new URL('./import-book.sql', import.meta.url), ['find', 'restart', 'advance', 'forget']);

/** How many rows an import has dealt with. */
export interface Counts {
  readonly read: number;
  readonly imported: number;
  readonly updated: number;
  readonly skipped: number;
  readonly rejected: number;
}

/** How far an import of a file has come, as of its last committed batch. */
export interface Mark {
  /** Bytes that are read for good. */
  readonly position: number;
  readonly lines: number;
  /** How many bytes the hash is of: the position, or more where that is within a row. */
  readonly hashed: number;
  /** A hash of the file's begin; null before the first batch. */
  readonly prefixHash: string | null;
  readonly counts: Counts;
  /** How long the reject file was. */
  readonly rejectBytes: number;
  readonly isFinished: boolean;
}

interface Row extends Record<string, unknown>, Omit<Mark, 'prefixHash' | 'counts' | 'rejectBytes' | 'isFinished'> {
  readonly prefix_hash: string | null;
  readonly rows_read: number;
  readonly imported: number;
  readonly updated: number;
  readonly skipped: number;
  readonly rejected: number;
  readonly reject_bytes: number;
  readonly finished: boolean;
}

/** Nothing done yet. */
export const NO_COUNTS: Counts = Object.freeze({ read: 0, imported: 0, updated: 0, skipped: 0, rejected: 0 });

/** The record of one tenant's import of one file; each batch moves it in the transaction that takes its rows. */
export class ImportBook {
  readonly #tenantId: string;
  readonly #fingerprint: string;

  constructor(tenantId: string, fingerprint: string) {
    this.#tenantId = tenantId;
    this.#fingerprint = fingerprint;
  }

  /** How far it came; undefined where it was never begun. */
  async find(tx: Transaction): Promise<Mark | undefined> {
    const [row] = await tx.rows<Row>(sql.find, [this.#tenantId, this.#fingerprint]);
    if (row === undefined) return undefined;
    const { position, lines, hashed, prefix_hash: prefixHash, imported, updated, skipped, rejected } = row;
    const counts = { read: row.rows_read, imported, updated, skipped, rejected };
    return { position, lines, hashed, prefixHash, counts, rejectBytes: row.reject_bytes, isFinished: row.finished };
  }

  /** Begins it, once more where it was begun before; and lets go of records that nobody comes back to. */
  async begin(tx: Transaction): Promise<void> {
    await tx.rows(sql.forget, [this.#tenantId]);
    await tx.rows(sql.restart, [this.#tenantId, this.#fingerprint]);
  }

  /**
   * Moves it on.
   * @param before the position it was left at
   * @throws RaeError `RAE_REFUSED` where another process has moved it: what this one does would be there twice.
   */
  async advance(tx: Transaction, before: number, mark: Mark): Promise<void> {
    const { position, lines, hashed, prefixHash, counts, rejectBytes, isFinished } = mark;
    const { read, imported, updated, skipped, rejected } = counts;
    const values = [
      position,
      lines,
      hashed,
      prefixHash,
      read,
      imported,
      updated,
      skipped,
      rejected,
      rejectBytes,
      isFinished,
    ];
    const [row] = await tx.rows(sql.advance, [this.#tenantId, this.#fingerprint, before, ...values]);
    if (row !== undefined) return;
    throw new RaeError('RAE_REFUSED', 'another import of this file into this tenant is under way', {
      hint: 'let it end, or stop it and start this one again: it goes on where that one was',
    });
  }
}
