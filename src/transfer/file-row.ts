import type { RowFault } from './row-fault.ts';

/** A row as the file has it, or why it is none. */
export interface FileRow {
  /** The line on which it begins, from 1. */
  readonly line: number;
  readonly content: JsonRow | CellRow | RowFault;
}

/** A JSON object and how it is written. */
export interface JsonRow {
  readonly object: Readonly<Record<string, unknown>>;
  readonly source: string;
}

/** The cells of a CSV row; null for one that is empty and not in quotes. */
export interface CellRow {
  readonly cells: readonly (string | null)[];
}

/** What a reader made of the bytes it was given so far. */
export interface RowBatch {
  readonly rows: readonly FileRow[];
  /** How many bytes of the file are read for good: behind the last row that is whole. */
  readonly position: number;
  /** How many lines they are. */
  readonly lines: number;
}

/** Turns blocks of lines into rows. */
export interface RowReader {
  /** @param last true for the end of the file, with or without bytes */
  read(bytes: Buffer, last: boolean): RowBatch;
  /** Takes note of a line that was too long to be kept. */
  skip(bytes: number): RowBatch;
}
