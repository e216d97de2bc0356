import { instant, uuid } from './column-type.ts';
import type { Kind } from './kind.ts';

/** Which memory supports which node or triple, one of the two. */
export const graphEvidence: Kind = {
  name: 'graph_evidence',
  aliases: ['evidence'],
  passedOver: ['subject_id'],
  columns: [
    { name: 'memory_id', type: uuid, required: true },
    { name: 'node_id', type: uuid },
    { name: 'triple_id', type: uuid, aliases: ['edge_id'] },
    { name: 'created_at', type: instant, absent: 'now', neverNull: true },
  ],
};
