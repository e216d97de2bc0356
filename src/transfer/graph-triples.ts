import { instant, json, text, uuid } from './column-type.ts';
import type { Kind } from './kind.ts';

/** Triples: two nodes and how they are related. A node is named by its id, as in the original, or as its project calls it. */
export const graphTriples: Kind = {
  name: 'graph_triples',
  aliases: ['graph_triple', 'triples', 'triple', 'edges', 'edge', 'knowledge_graph_edges', 'knowledge_graph_edge'],
  passedOver: [],
  columns: [
    { name: 'id', type: uuid, absent: 'id', neverNull: true },
    {
      name: 'project',
      type: text(255),
      aliases: ['project_id'],
      absent: { text: 'default' },
      neverNull: true,
    },
    {
      name: 'source_node_id',
      type: text(255),
      aliases: ['source'],
      required: true,
    },
    {
      name: 'target_node_id',
      type: text(255),
      aliases: ['target'],
      required: true,
    },
    { name: 'relation', type: text(255), required: true },
    { name: 'properties', type: json, absent: { text: '{}' } },
    { name: 'created_at', type: instant, absent: 'now', neverNull: true },
  ],
};
