import { nearest } from '../kernel/nearest.ts';
import { costLogs } from './cost-logs.ts';
import { graphEvidence } from './graph-evidence.ts';
import { graphNodes } from './graph-nodes.ts';
import { graphTriples } from './graph-triples.ts';
import type { Kind, KindName } from './kind.ts';
import { memories } from './memories.ts';
import { memoryEmbeddings } from './memory-embeddings.ts';

/** Every kind, by name, those before that others refer to. */
export const KINDS: ReadonlyMap<KindName, Kind> = new Map(
  [memories, memoryEmbeddings, graphNodes, graphTriples, graphEvidence, costLogs].map((kind) => [kind.name, kind]),
);

/** The kind of this name, or of one that the original or people have for it. */
export function kindNamed(name: string): Kind | undefined {
  const wanted = name.toLowerCase();
  return [...KINDS.values()].find((kind) => kind.name === wanted || kind.aliases.includes(wanted));
}

/** The name nearest to one that is no kind. */
export function nearestKind(name: string): string | undefined {
  return nearest(
    name,
    [...KINDS.values()].flatMap((kind) => [kind.name, ...kind.aliases]),
  );
}

/** The one kind whose rows can have these columns: all it must have are there, and it knows the most of them. */
export function kindOfNames(names: readonly string[]): Kind | undefined {
  const lower = names.map((name) => name.trim().toLowerCase());
  const scored = [...KINDS.values()].flatMap((kind) => {
    const knows = kind.columns.filter((column) =>
      [column.name, ...(column.aliases ?? [])].some((one) => lower.includes(one)),
    );
    const lacks = kind.columns.some((column) => column.required === true && !knows.includes(column));
    return lacks || knows.length < lower.length / 2 ? [] : [{ kind, score: knows.length }];
  });
  const [best, second] = scored.sort((a, b) => b.score - a.score);
  return best === undefined || best.score === second?.score ? undefined : best.kind;
}
