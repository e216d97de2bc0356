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

/** Works it out row by row, without a thought for steps, indexes or locks. */
export function retained(estate: Estate, rules: RetentionRules, slot: Date): Expected {
  const holds = estate.holds.filter(({ released }) => !released);
  const everything = holds.some((hold) => hold.project === null && hold.memory_id === null);
  const projects = new Set(holds.map(({ project }) => project).filter((project) => project !== null));
  const heldMemories = new Set(holds.map((hold) => hold.memory_id).filter((id) => id !== null));
  const certificates: { class: string; cutoff: number | null; at: number }[] = [];

  const cutoffFor = ({ layer }: EstateMemory): number | null =>
    layer !== null && LAYERS.includes(layer) ? cutoffOf(rules, `${layer}_memories_days`, slot) : null;
  const isDue = (memory: EstateMemory): boolean => {
    if (everything || heldMemories.has(memory.id)) return false;
    if (memory.project !== null && projects.has(memory.project)) return false;
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
      const known = memory.layer !== null && LAYERS.includes(memory.layer);
      certificates.push({
        class: known ? String(memory.layer) : 'other',
        cutoff: cutoffFor(memory),
        at: memory.created_at.getTime(),
      });
      for (let n = 0; n < memory.embeddings; n += 1) {
        certificates.push({ class: 'embeddings', cutoff: null, at: memory.created_at.getTime() });
      }
    } else if (everything) {
      if (marked !== null) marks[memory.id] = marked.toISOString();
    } else if (due) {
      marks[memory.id] = (marked ?? slot).toISOString();
    }
  }

  const supportOf = (subject: string) => estate.evidence.filter(([, of]) => of === subject);
  const lostAll = (subject: string): boolean => {
    const support = supportOf(subject);
    return support.length > 0 && support.every(([memory]) => gone.has(memory));
  };
  const heldTriple = (id: string, project: string): boolean =>
    projects.has(project) || supportOf(id).some(([memory]) => heldMemories.has(memory));
  const goneNodes = new Set<string>();
  for (const node of estate.nodes) {
    const kept = estate.triples.some(
      (one) => (one.source === node.id || one.target === node.id) && heldTriple(one.id, one.project),
    );
    if (lostAll(node.id) && !projects.has(node.project) && !kept) {
      goneNodes.add(node.id);
      certificates.push({ class: 'graph_nodes', cutoff: null, at: node.created_at.getTime() });
    }
  }
  const goneTriples = new Set<string>();
  for (const one of estate.triples) {
    const withNode = goneNodes.has(one.source) || goneNodes.has(one.target);
    if (!withNode && !(lostAll(one.id) && !projects.has(one.project))) continue;
    goneTriples.add(one.id);
    certificates.push({ class: 'graph_triples', cutoff: null, at: one.created_at.getTime() });
  }

  const costCutoff = cutoffOf(rules, 'cost_logs_days', slot);
  const costHour = costCutoff === null ? null : Math.floor(costCutoff / HOUR_MS) * HOUR_MS;
  const goneCosts = new Set<string>();
  for (const { id, project, at } of estate.costs) {
    if (everything || projects.has(project) || costHour === null || at.getTime() >= costHour) continue;
    goneCosts.add(id);
    certificates.push({ class: 'cost_logs', cutoff: costHour, at: at.getTime() });
  }
  const auditCutoff = cutoffOf(rules, 'audit_logs_days', slot);
  const goneAudit = estate.audit.filter((at) => !everything && auditCutoff !== null && at.getTime() < auditCutoff);
  for (const at of goneAudit) certificates.push({ class: 'audit_log', cutoff: auditCutoff, at: at.getTime() });

  const left = (rows: readonly { readonly id: string }[], without: ReadonlySet<string>) =>
    rows
      .map(({ id }) => id)
      .filter((id) => !without.has(id))
      .sort();
  const memories = left(estate.memories, gone);
  return {
    remains: {
      memories,
      marks,
      embeddings: estate.memories.filter(({ id }) => !gone.has(id)).reduce((sum, one) => sum + one.embeddings, 0),
      nodes: left(estate.nodes, goneNodes),
      triples: left(estate.triples, goneTriples),
      evidence: estate.evidence
        .filter(([memory, of]) => !gone.has(memory) && !goneNodes.has(of) && !goneTriples.has(of))
        .map(([memory, of]) => `${memory} ${of}`)
        .sort(),
      costs: left(estate.costs, goneCosts),
      audit: estate.audit.length - goneAudit.length,
    },
    certificates: summed(certificates),
  };
}

function summed(
  parts: readonly { readonly class: string; readonly cutoff: number | null; readonly at: number }[],
): CertificateRow[] {
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
