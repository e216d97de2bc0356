import { double, instant, integer, json, reals, text, texts, uuid } from './column-type.ts';
import type { Kind } from './kind.ts';

/** What the original called its layers before January 2026, and its documents still do. */
const LEGACY_LAYERS = Object.freeze({
  em: 'episodic',
  stm: 'working',
  wm: 'working',
  ltm: 'semantic',
  sm: 'semantic',
  rm: 'reflective',
});

/** Memories, in the columns of the original's live table. Their embedding becomes a row of memory_embeddings, of the model `default`. */
export const memories: Kind = {
  name: 'memories',
  aliases: ['memory'],
  passedOver: [],
  columns: [
    { name: 'id', type: uuid, aliases: ['memory_id'], absent: 'id', neverNull: true },
    { name: 'content', type: text(), required: true },
    { name: 'source', type: text(255) },
    { name: 'importance', type: double, absent: { text: '0.5' } },
    { name: 'layer', type: text(50, LEGACY_LAYERS) },
    { name: 'tags', type: texts },
    { name: 'timestamp', type: instant, absent: { as: 'created_at' } },
    { name: 'created_at', type: instant, absent: 'now', neverNull: true },
    { name: 'last_accessed_at', type: instant, absent: { as: 'created_at' } },
    { name: 'usage_count', type: integer(), absent: { text: '0' } },
    { name: 'project', type: text(255), aliases: ['project_id'] },
    { name: 'metadata', type: json, absent: { text: '{}' } },
    { name: 'agent_id', type: text(255), absent: { text: 'default' }, neverNull: true },
    { name: 'expires_at', type: instant },
    { name: 'memory_type', type: text(50) },
    { name: 'strength', type: double, absent: { text: '1' } },
    { name: 'session_id', type: text(255) },
    { name: 'info_class', type: text(50), absent: { text: 'internal' }, neverNull: true },
    { name: 'governance', type: json, absent: { text: '{}' }, neverNull: true },
    { name: 'human_label', type: text(255) },
    { name: 'content_hash', type: text(64) },
    { name: 'deleted_at', type: instant },
    { name: 'embedding', type: reals },
  ],
};
