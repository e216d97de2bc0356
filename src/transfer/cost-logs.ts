import { boolean, instant, integer, money, text, uuid } from './column-type.ts';
import type { Kind } from './kind.ts';

/** What calls of models cost; money stays as it is written. */
export const costLogs: Kind = {
  name: 'cost_logs',
  aliases: ['cost_log', 'costs'],
  passedOver: ['total_tokens', 'cache_saved_usd'],
  columns: [
    { name: 'id', type: uuid, absent: 'id', neverNull: true },
    {
      name: 'project_id',
      type: text(255),
      aliases: ['project'],
      absent: { text: 'default' },
      neverNull: true,
    },
    { name: 'model', type: text(255), required: true },
    { name: 'provider', type: text(100), required: true },
    { name: 'operation', type: text(100), required: true },
    {
      name: 'input_tokens',
      type: integer(0),
      absent: { text: '0' },
      neverNull: true,
    },
    {
      name: 'output_tokens',
      type: integer(0),
      absent: { text: '0' },
      neverNull: true,
    },
    {
      name: 'input_cost_per_million',
      type: money,
      absent: { text: '0' },
      neverNull: true,
    },
    {
      name: 'output_cost_per_million',
      type: money,
      absent: { text: '0' },
      neverNull: true,
    },
    // A call without a cost is priced by the table, or its cost is unknown: never 0.
    { name: 'total_cost_usd', type: money },
    {
      name: 'cache_hit',
      type: boolean,
      absent: { text: 'f' },
      neverNull: true,
    },
    {
      name: 'cache_tokens_saved',
      type: integer(),
      absent: { text: '0' },
      neverNull: true,
    },
    { name: 'request_id', type: text(255) },
    { name: 'user_id', type: text(255) },
    { name: 'latency_ms', type: integer() },
    { name: 'error', type: boolean, absent: { text: 'f' }, neverNull: true },
    { name: 'error_message', type: text() },
    {
      name: 'timestamp',
      type: instant,
      aliases: ['created_at'],
      absent: 'now',
      neverNull: true,
    },
    { name: 'cached_input_cost_per_million', type: money },
  ],
};
