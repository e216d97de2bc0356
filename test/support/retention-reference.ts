import type { CertificateRow, Estate, EstateMemory, Remains } from './estate.ts';

const DAY_MS = 86_400_000;
const HOUR_MS = 3_600_000;
const LAYERS = ['sensory', 'working', 'episodic', 'semantic', 'reflective'];

/** The fields of a policy that say what goes. */
export type RetentionRules = Readonly<Record<string, unknown>> & {
  readonly protected_tags: readonly string[];
  readonly grace_days: number;
};

/** What must be there after retention of a slot, and which certificates must say what went. */
export interface Expected {
  readonly remains: Remains;
  readonly certificates: readonly CertificateRow[];
}

function cutoffOf(rules: RetentionRules, field: string, slot: Date): number | null {
  const days = rules[field];
  return typeof days === 'number' ? slot.getTime() - days * DAY_MS : null;
}

/** What went, a part per row. */
interface Part {
  readonly class: string;
  readonly cutoff: number | null;
  readonly at: number;
}

interface Holds {
  readonly everything: boolean;
  readonly projects: ReadonlySet<string>;
  readonly memories: ReadonlySet<string>;
}

function holdsOf(estate: Estate): Holds {
  const holds = estate.holds.filter(({ released }) => !released);
  return {
    everything: holds.some((hold) => hold.project === null && hold.memory_id === null),
    projects: new Set(holds.flatMap(({ project }) => (project === null ? [] : [project]))),
    memories: new Set(holds.flatMap((hold) => (hold.memory_id === null ? [] : [hold.memory_id]))),
  };
}

function memoriesGone(estate: Estate, rules: RetentionRules, slot: Date, holds: Holds, parts: Part[]) {
  const cutoffFor = ({ layer }: EstateMemory): number | null =>
    layer !== null && LAYERS.includes(layer) ? cutoffOf(rules, `${layer}_memories_days`, slot) : null;
  const isDue = (memory: EstateMemory): boolean => {
    if (holds.everything || holds.memories.has(memory.id)) return false;
    if (memory.project !== null && holds.projects.has(memory.project)) return false;
    if (memory.tags?.some((tag) => rules.protected_tags.includes(tag))) return false;
    const cutoff = cutoffFor(memory);
    const old = cutoff !== null && memory.created_at.getTime() < cutoff;
    return old || (memory.expires_at !== null && memory.expires_at.getTime() <= slot.getTime());
  };
  const gone = new Set<string>();
  const marks: Record<string, string> = {};
  for (const memory of estate.memories) {
    const due = isDue(memory);
    const marked = memory.deleted_at;
    const graceOver = marked !== null && marked.getTime() <= slot.getTime() - rules.grace_days * DAY_MS;
    if (due && (rules.grace_days === 0 || graceOver)) {
      gone.add(memory.id);
      const at = memory.created_at.getTime();
      const known = memory.layer !== null && LAYERS.includes(memory.layer);
      parts.push({ class: known ? String(memory.layer) : 'other', cutoff: cutoffFor(memory), at });
      for (let n = 0; n < memory.embeddings; n += 1) parts.push({ class: 'embeddings', cutoff: null, at });
    } else if (due || (holds.everything && marked !== null)) {
      marks[memory.id] = (marked ?? slot).toISOString();
    }
  }
  return { gone, marks };
}

function graphGone(estate: Estate, gone: ReadonlySet<string>, holds: Holds, parts: Part[]) {
  const supportOf = (subject: string) => estate.evidence.filter(([, of]) => of === subject);
  const lostAll = (subject: string): boolean => {
    const support = supportOf(subject);
    return support.length > 0 && support.every(([memory]) => gone.has(memory));
  };
  const isHeld = (id: string, project: string): boolean =>
    holds.projects.has(project) || supportOf(id).some(([memory]) => holds.memories.has(memory));
  const nodes = new Set<string>();
  for (const node of estate.nodes) {
    const kept = estate.triples.some(
      (one) => (one.source === node.id || one.target === node.id) && isHeld(one.id, one.project),
    );
    if (!lostAll(node.id) || holds.projects.has(node.project) || kept) continue;
    nodes.add(node.id);
    parts.push({ class: 'graph_nodes', cutoff: null, at: node.created_at.getTime() });
  }
  const triples = new Set<string>();
  for (const one of estate.triples) {
    const withNode = nodes.has(one.source) || nodes.has(one.target);
    if (!withNode && !(lostAll(one.id) && !holds.projects.has(one.project))) continue;
    triples.add(one.id);
    parts.push({ class: 'graph_triples', cutoff: null, at: one.created_at.getTime() });
  }
  return { nodes, triples };
}

function logsGone(estate: Estate, rules: RetentionRules, slot: Date, holds: Holds, parts: Part[]) {
  const cutoff = cutoffOf(rules, 'cost_logs_days', slot);
  const hour = cutoff === null ? null : Math.floor(cutoff / HOUR_MS) * HOUR_MS;
  const costs = new Set<string>();
  for (const { id, project, at } of estate.costs) {
    if (holds.everything || holds.projects.has(project) || hour === null || at.getTime() >= hour) continue;
    costs.add(id);
    parts.push({ class: 'cost_logs', cutoff: hour, at: at.getTime() });
  }
  const before = cutoffOf(rules, 'audit_logs_days', slot);
  const audit = estate.audit.filter((at) => !holds.everything && before !== null && at.getTime() < before);
  for (const at of audit) parts.push({ class: 'audit_log', cutoff: before, at: at.getTime() });
  return { costs, audit: audit.length };
}

/** Works it out row by row, without a thought for steps, indexes or locks. */
export function retained(estate: Estate, rules: RetentionRules, slot: Date): Expected {
  const holds = holdsOf(estate);
  const parts: Part[] = [];
  const { gone, marks } = memoriesGone(estate, rules, slot, holds, parts);
  const { nodes, triples } = graphGone(estate, gone, holds, parts);
  const { costs, audit } = logsGone(estate, rules, slot, holds, parts);
  const left = (rows: readonly { readonly id: string }[], without: ReadonlySet<string>) =>
    rows
      .map(({ id }) => id)
      .filter((id) => !without.has(id))
      .sort();
  return {
    remains: {
      memories: left(estate.memories, gone),
      marks,
      embeddings: estate.memories.filter(({ id }) => !gone.has(id)).reduce((sum, one) => sum + one.embeddings, 0),
      nodes: left(estate.nodes, nodes),
      triples: left(estate.triples, triples),
      evidence: estate.evidence
        .filter(([memory, of]) => !gone.has(memory) && !nodes.has(of) && !triples.has(of))
        .map(([memory, of]) => `${memory} ${of}`)
        .sort(),
      costs: left(estate.costs, costs),
      audit: estate.audit.length - audit,
    },
    certificates: summed(parts),
  };
}

function summed(parts: readonly Part[]): CertificateRow[] {
  const iso = (at: number) => new Date(at).toISOString();
  return [...new Set(parts.map((part) => part.class))].sort().map((name) => {
    const own = parts.filter((part) => part.class === name);
    const times = own.map(({ at }) => at);
    const cutoff = own[0]?.cutoff ?? null;
    return {
      class: name,
      cutoff: cutoff === null ? null : iso(cutoff),
      deleted: own.length,
      oldest: iso(Math.min(...times)),
      newest: iso(Math.max(...times)),
    };
  });
}
