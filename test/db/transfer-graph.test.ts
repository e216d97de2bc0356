import { randomUUID } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { useDatabase } from '../support/database.ts';
import { addTenant } from '../support/tenants.ts';
import { fileOf, importInto, jsonl, rejectsIn, useFolder } from '../support/transfer.ts';

const database = useDatabase();
const folder = useFolder();

describe('a graph as the original has it', () => {
  it('names nodes by id or by name, and what names none is refused by line and column', async () => {
    const [tenant, stranger] = [await addTenant(database()), await addTenant(database())];
    const [node, memory, triple, foreign] = [randomUUID(), randomUUID(), randomUUID(), randomUUID()];
    const theirs = jsonl({
      kind: 'graph_nodes',
      id: foreign,
      node_id: 'theirs',
    });
    await importInto(database(), stranger, fileOf(folder(), 'theirs.jsonl', theirs));
    const rows = jsonl(
      { kind: 'memories', id: memory, content: 'a' },
      {
        kind: 'knowledge_graph_nodes',
        id: node,
        project_id: 'p',
        node_id: 'acme',
      },
      { kind: 'knowledge_graph_nodes', project: 'p', node_id: 'dana' },
      {
        kind: 'knowledge_graph_edges',
        id: triple,
        project: 'p',
        source_node_id: node,
        target_node_id: 'dana',
        relation: 'asks',
      },
      { kind: 'evidence', memory_id: memory, triple_id: triple },
      {
        kind: 'triples',
        project: 'p',
        source: 'dana',
        target: 'nobody',
        relation: 'asks',
      },
      {
        kind: 'triples',
        project: 'other',
        source: 'dana',
        target: node,
        relation: 'asks',
      },
      {
        kind: 'triples',
        project: 'p',
        source: 'dana',
        target: foreign,
        relation: 'asks',
      },
      { kind: 'evidence', memory_id: randomUUID(), node_id: node },
      { kind: 'evidence', memory_id: memory, node_id: foreign },
      { kind: 'evidence', memory_id: memory, node_id: node, triple_id: triple },
      {
        kind: 'memory_embeddings',
        memory_id: foreign,
        model_name: 'm',
        embedding: [1],
      },
      {
        kind: 'cost_logs',
        model: 'm',
        provider: 'p',
        operation: 'query',
        total_cost_usd: 1e12,
      },
      {
        kind: 'cost_logs',
        model: 'm',
        provider: 'p',
        operation: 'query',
        total_cost_usd: -0.1,
      },
    );
    const file = fileOf(folder(), 'all.jsonl', rows);
    const report = await importInto(database(), tenant, file, {
      rejects: `${file}.rejects`,
    });
    expect(rejectsIn(`${file}.rejects`).map(({ line, kind, column }) => `${line} ${kind} ${column}`)).toEqual([
      '6 graph_triples target_node_id',
      '7 graph_triples source_node_id',
      '8 graph_triples target_node_id',
      '9 graph_evidence memory_id',
      '10 graph_evidence node_id',
      '11 graph_evidence null',
      '12 memory_embeddings memory_id',
      '13 cost_logs total_cost_usd',
      '14 cost_logs total_cost_usd',
    ]);
    expect(report.counts).toMatchObject({ read: 14, imported: 5, rejected: 9 });
  });
});
