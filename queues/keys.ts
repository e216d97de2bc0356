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

/** Entries that a queue's stream of events is trimmed to; BullMQ's own 10,000 are 0.4 MB a queue. */
export const EVENTS_KEPT = 100;

/** What all of BullMQ's keys of a queue begin with. */
export function keyPrefix(queue: string): string {
  return `bull:${hashTagged(queue)}:`;
}

/** The first values of a script that begins with `SOUND`. */
export function soundValues(queue: string): readonly [string, string, number] {
  return [keyPrefix(queue), JSON.stringify(KINDS), EVENTS_KEPT];
}

/**
 * The beginning of a script that makes a queue's own keys what they should be, however they came to be otherwise, and
 * leaves in `mended` the names of what it changed. Its first values are those of `soundValues`.
 *
 * Keys of another type than BullMQ's scripts expect would fail every script of the queue, for ever: they go. So do
 * settings that the fleet never makes: a pause (pauses are the ledger's), a limit on how many are worked on or how
 * fast, a lock on the search for stalled entries that never ends. What an older BullMQ has put aside when it paused the
 * queue goes back to wait, 5,000 at a time.
 */
export const SOUND = `
local prefix, kinds = ARGV[1], cjson.decode(ARGV[2])
local mended = {}
local function drop(name)
  redis.call('UNLINK', prefix .. name)
  table.insert(mended, name)
end
for name, kind in pairs(kinds) do
  local found = redis.call('TYPE', prefix .. name)['ok']
  if found ~= 'none' and found ~= kind then drop(name) end
end
for _, name in ipairs({'id', 'pc'}) do
  local count = redis.call('GET', prefix .. name)
  if count and not string.match(count, '^%d+$') then drop(name) end
end
if redis.call('PTTL', prefix .. 'stalled-check') == -1 then drop('stalled-check') end
for _, field in ipairs({'paused', 'concurrency', 'max', 'duration'}) do
  if redis.call('HDEL', prefix .. 'meta', field) > 0 then table.insert(mended, 'meta.' .. field) end
end
local most = redis.call('HGET', prefix .. 'meta', 'opts.maxLenEvents')
if most ~= ARGV[3] then
  redis.call('HSET', prefix .. 'meta', 'opts.maxLenEvents', ARGV[3])
  if most and not string.match(most, '^%d+$') then table.insert(mended, 'meta.opts.maxLenEvents') end
end
local aside = redis.call('LRANGE', prefix .. 'paused', -5000, -1)
if #aside > 0 then
  redis.call('RPUSH', prefix .. 'wait', unpack(aside))
  redis.call('LTRIM', prefix .. 'paused', 0, -5001)
  table.insert(mended, 'paused')
end
`;
