import { instant, json, reals, text, uuid } from './column-type.ts';
import type { Kind } from './kind.ts';

/** Embeddings of memories, one for each model. */
export const memoryEmbeddings: Kind = {
  name: 'memory_embeddings',
  aliases: ['memory_embedding', 'embeddings', 'embedding'],
  passedOver: [],
  columns: [
    { name: 'memory_id', type: uuid, required: true },
    { name: 'model_name', type: text(255), aliases: ['model'], required: true },
    { name: 'embedding', type: reals, required: true },
    { name: 'metadata', type: json, absent: { text: '{}' } },
    { name: 'created_at', type: instant, absent: 'now', neverNull: true },
  ],
};
