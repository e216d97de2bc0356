import type { Counts } from '../kernel/outcome.ts';

/** How an attempt of a run ended: the last three leave it owed again. */
export const RUN_ENDS = Object.freeze(['done', 'skipped', 'dead', 'retried', 'yielded', 'deferred'] as const);
export type RunEnd = (typeof RUN_ENDS)[number];

/** One number read from the database; `queueKind` is `shared` or `dedicated`. */
export interface Reading {
  readonly worker: string;
  readonly plan?: string | undefined;
  readonly queueKind?: string | undefined;
  /** Why what is counted is held. */
  readonly reason?: string | undefined;
  readonly value: number;
}

interface Kinds {
  text: string;
  number: number;
  'number or null': number | null;
  counts: Counts;
  ending: RunEnd;
  readings: readonly Reading[];
}

/** What a field of an event holds; a `?` at the end means that it may be missing. */
export type FieldKind = keyof Kinds | `${keyof Kinds}?`;
export type Fields = Readonly<Record<string, FieldKind>>;

type KindOf<F> = F extends keyof Kinds ? Kinds[F] : F extends `${infer K extends keyof Kinds}?` ? Kinds[K] : never;
type Optional<F extends Fields> = { [N in keyof F]: F[N] extends `${string}?` ? N : never }[keyof F];

/** The payload that a list of fields describes. */
export type PayloadOf<F extends Fields> = { readonly [N in Exclude<keyof F, Optional<F>>]: KindOf<F[N]> } & {
  readonly [N in Optional<F>]?: KindOf<F[N]> | undefined;
};
