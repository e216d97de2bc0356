import type { Redis } from 'ioredis';
import { hashTagged } from './names.ts';

/** What BullMQ keeps under each of its own keys of a queue. */
const KINDS: Readonly<Record<string, string>> = {
  wait: 'list',
  active: 'list',
  paused: 'list',
  prioritized: 'zset',
  delayed: 'zset',
  completed: 'zset',
  failed: 'zset',
  'waiting-children': 'zset',
  repeat: 'zset',
  marker: 'zset',
  stalled: 'set',
  meta: 'hash',
  events: 'stream',
  'stalled-check': 'string',
  limiter: 'string',
  id: 'string',
  pc: 'string',
};

// KEYS[1] the wait key · ARGV prefix of the keys, kinds as JSON, lock token of the taker whose take failed ('' = none).
// Keys of another type than BullMQ's scripts expect, and settings that the fleet never makes, would fail every script
// of the queue, for ever: they go. What the failed take left in the active list goes back to wait where such a key was
// to blame, and is handed over with its data where it was its own fault.
const MEND = `
local prefix, token = ARGV[1], ARGV[3]
local kinds = cjson.decode(ARGV[2])
local fixed, taken = {}, {}
local function drop(name)
  redis.call('UNLINK', prefix .. name)
  table.insert(fixed, name)
end
for name, kind in pairs(kinds) do
  local found = redis.call('TYPE', prefix .. name)['ok']
  if found ~= 'none' and found ~= kind then drop(name) end
end
for _, name in ipairs({'id', 'pc'}) do
  local count = redis.call('GET', prefix .. name)
  if count and not string.match(count, '^%d+$') then drop(name) end
end
if redis.call('HDEL', prefix .. 'meta', 'concurrency', 'max', 'duration') > 0 then table.insert(fixed, 'meta') end
local most = redis.call('HGET', prefix .. 'meta', 'opts.maxLenEvents')
if most and not string.match(most, '^%d+$') then
  redis.call('HDEL', prefix .. 'meta', 'opts.maxLenEvents')
  table.insert(fixed, 'meta')
end
for _, id in ipairs(token ~= '' and redis.call('LRANGE', prefix .. 'active', 0, 1999) or {}) do
  local lock = prefix .. id .. ':lock'
  if redis.call('TYPE', lock)['ok'] == 'string' and redis.call('GET', lock) == token then
    redis.call('LREM', prefix .. 'active', 1, id)
    redis.call('UNLINK', lock)
    local kind = redis.call('TYPE', prefix .. id)['ok']
    if #fixed > 0 and kind == 'hash' then
      redis.call('RPUSH', prefix .. 'wait', id)
    else
      local data = ''
      if kind == 'hash' then data = redis.call('HGET', prefix .. id, 'data') or '' end
      if kind == 'string' then data = redis.call('GETRANGE', prefix .. id, 0, 2047) end
      table.insert(taken, string.sub(data, 1, 2048))
      if not kinds[id] then redis.call('UNLINK', prefix .. id) end
    end
  end
end
if #fixed > 0 then redis.call('ZADD', prefix .. 'marker', 0, '0') end
return {fixed, taken}
`;

/** What was mended of a queue. */
export interface Mended {
  /** BullMQ's keys that were of no use and were removed. */
  readonly keys: readonly string[];
  /** The data of entries that could not be read and were removed. */
  readonly entries: readonly string[];
}

/**
 * Removes from a queue what stops BullMQ's scripts, in one step. Whatever of the fleet's goes with it comes again from
 * the ledger.
 * @param token of the taker whose take failed: what it took is released.
 */
export async function mendQueue(redis: Redis, queue: string, token = ''): Promise<Mended> {
  const prefix = `bull:${hashTagged(queue)}:`;
  const answer = await redis.eval(MEND, 1, `${prefix}wait`, prefix, JSON.stringify(KINDS), token);
  const [keys, entries] = answer as [string[], string[]];
  return { keys: [...new Set(keys)], entries };
}
