/**
 * Why a row cannot be taken. The reason never repeats what stands in the row: reject files and errors are read by more
 * people than memories are.
 */
export class RowFault extends Error {
  override readonly name = 'RowFault';
  /** The column at fault, as the file calls it; null where it is the row as a whole. */
  readonly column: string | null;

  constructor(column: string | null, reason: string) {
    super(reason);
    this.column = column;
  }

  /** The reason, begun with its column where there is one. */
  get says(): string {
    return this.column === null ? this.message : `${this.column} ${this.message}`;
  }
}

/** A row that was not taken, and where it stands. */
export interface Reject {
  readonly line: number;
  readonly kind: string | null;
  readonly column: string | null;
  readonly reason: string;
}
