import { instant, json, text, uuid } from './column-type.ts';
import type { Kind } from './kind.ts';

/** Nodes of the knowledge graph; `node_id` is what its project calls one. */
export const graphNodes: Kind = {
  name: 'graph_nodes',
  aliases: ['graph_node', 'nodes', 'node', 'knowledge_graph_nodes', 'knowledge_graph_node'],
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
    { name: 'node_id', type: text(255), required: true },
    { name: 'label', type: text(255) },
    { name: 'properties', type: json, absent: { text: '{}' } },
    { name: 'created_at', type: instant, absent: 'now', neverNull: true },
    {
      name: 'updated_at',
      type: instant,
      absent: { as: 'created_at' },
      neverNull: true,
    },
  ],
};
