import type { ColumnType } from './column-type.ts';

/** One column of a kind. */
export interface Column {
  readonly name: string;
  readonly type: ColumnType;
  /** Other names it has in files: those of the original's tables. */
  readonly aliases?: readonly string[];
  /** A row without it, or with null in it, is refused. */
  readonly required?: boolean;
  /**
   * What a row gets that lacks the column: text as COPY reads it, the column whose value it takes, the instant of the
   * import, or an id made from the row. Default: NULL.
   */
  readonly absent?: { readonly text: string } | { readonly as: string } | 'now' | 'id';
  /** null counts as absent: the table's column cannot be null. */
  readonly neverNull?: boolean;
}

/** One kind of rows that go in and out: those of one table. */
export interface Kind {
  /** The table's name. */
  readonly name: KindName;
  /** Other names of it: the original's, and what people call it. */
  readonly aliases: readonly string[];
  /** In the order in which they are staged. */
  readonly columns: readonly Column[];
  /** Columns that files have and the table computes or never had: read over. */
  readonly passedOver: readonly string[];
}

/** The kinds by name, in an order in which a row stands behind those it refers to. */
export const KIND_NAMES = [
  'memories',
  'memory_embeddings',
  'graph_nodes',
  'graph_triples',
  'graph_evidence',
  'cost_logs',
] as const;
export type KindName = (typeof KIND_NAMES)[number];
