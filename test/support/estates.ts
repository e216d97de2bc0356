import fc from 'fast-check';
import type { Estate } from './estate.ts';

const DAY_MS = 86_400_000;
const LAYERS = ['sensory', 'working', 'episodic', 'semantic', 'reflective', 'unheard_of', null];
const PROJECTS = ['alpha', 'beta', 'gamma'];

/** An id that is made from the property's own choices, so that a failure can be had again. */
const id = fc.uuid({ version: 4 });
/** Ages in days around the bounds that the policies below have, to the millisecond. */
const age = fc
  .tuple(fc.constantFrom(0, 1, 2, 7, 30, 31, 90, 91, 400), fc.constantFrom(0, 0, -1, 1, -1_800_000, 5_000_000))
  .map(([days, ms]) => days * DAY_MS + ms);
const days = fc.oneof(fc.constantFrom(1, 2, 7, 30, 90), fc.constant('never' as const));

/** Fields of a policy. */
export const somePolicy = fc.record({
  sensory_memories_days: days,
  working_memories_days: days,
  episodic_memories_days: days,
  semantic_memories_days: days,
  reflective_memories_days: days,
  cost_logs_days: days,
  audit_logs_days: days,
  protected_tags: fc.subarray(['keep', 'vip']),
  grace_days: fc.constantFrom(0, 0, 7),
});

/** The parts of an estate, with numbers where one part names another. */
function someParts(before: (ms: number) => Date) {
  const memory = fc.record({
    id,
    layer: fc.constantFrom(...LAYERS),
    created_at: age.map(before),
    expires_at: fc.option(
      age.map((ms) => before(ms - 7 * DAY_MS)),
      { freq: 3 },
    ),
    deleted_at: fc.option(age.map(before), { freq: 5 }),
    tags: fc.option(fc.subarray(['keep', 'vip', 'other']), { freq: 4 }),
    project: fc.option(fc.constantFrom(...PROJECTS)),
    embeddings: fc.nat(2),
  });
  const node = { id, project: fc.constantFrom(...PROJECTS), created_at: age.map(before) };
  const edge = fc.record({ ...node, ends: fc.tuple(fc.nat(), fc.nat()) });
  const log = fc.record({ id, project: fc.constantFrom(...PROJECTS), at: age.map(before) });
  const hold = fc.record({
    kind: fc.constantFrom('project', 'memory', 'memory', 'memory'),
    which: fc.nat(),
    released: fc.boolean(),
  });
  const unique = { selector: (row: { readonly id: string }) => row.id };
  return fc.record({
    memories: fc.uniqueArray(memory, { ...unique, minLength: 5, maxLength: 60 }),
    nodes: fc.uniqueArray(fc.record(node), { ...unique, minLength: 2, maxLength: 12 }),
    edges: fc.uniqueArray(edge, { ...unique, maxLength: 25 }),
    support: fc.array(fc.tuple(fc.nat(), fc.nat()), { maxLength: 60 }),
    costs: fc.uniqueArray(log, { ...unique, maxLength: 40 }),
    audit: fc.array(age.map(before), { maxLength: 25 }),
    holds: fc.array(hold, { maxLength: 4 }),
    all: fc.constantFrom(false, false, false, false, false, false, false, true),
  });
}

/** Estates of a tenant around the instant `slot`. */
export function someEstate(slot: Date): fc.Arbitrary<Estate> {
  const at = <T>(list: readonly T[], nth: number): T => list[nth % list.length] as T;
  return someParts((ms) => new Date(slot.getTime() - ms)).map(
    ({ memories, nodes, edges, support, costs, audit, holds, all }) => {
      const triples = edges.map(({ ends: [source, target], ...edge }) => ({
        ...edge,
        source: at(nodes, source).id,
        target: at(nodes, target).id,
      }));
      const subjects = [...nodes, ...triples].map((one) => one.id);
      const evidence = new Map(
        support.map(([memory, subject]) => {
          const pair = [at(memories, memory).id, at(subjects, subject)] as const;
          return [pair.join(' '), pair];
        }),
      );
      return {
        memories,
        nodes,
        triples,
        evidence: [...evidence.values()],
        costs,
        audit: [...audit].sort((a, b) => a.getTime() - b.getTime()),
        holds: [
          ...holds.map(({ kind, which, released }) => ({
            project: kind === 'project' ? at(PROJECTS, which) : null,
            memory_id: kind === 'memory' ? at(memories, which).id : null,
            released,
          })),
          ...(all ? [{ project: null, memory_id: null, released: false }] : []),
        ],
      };
    },
  );
}
