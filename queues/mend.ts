import type { Redis } from 'ioredis';
import { keyPrefix, SOUND, soundValues } from './keys.ts';
import { Script } from './script.ts';

// KEYS[1] the wait key · ARGV what SOUND takes, lock token of the taker whose take failed ('' = none).
// What the failed take left in the active list goes back to wait where something that was mended was to blame, and is
// handed over with its data where it was its own fault.
const MEND = new Script(`${SOUND}
local token, taken = ARGV[4], {}
for _, id in ipairs(token ~= '' and redis.call('LRANGE', prefix .. 'active', 0, 1999) or {}) do
  local lock = prefix .. id .. ':lock'
  if redis.call('TYPE', lock)['ok'] == 'string' and redis.call('GET', lock) == token then
    redis.call('LREM', prefix .. 'active', 1, id)
    redis.call('UNLINK', lock)
    local kind = redis.call('TYPE', prefix .. id)['ok']
    if #mended > 0 and kind == 'hash' then
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
if #mended > 0 then redis.call('ZADD', prefix .. 'marker', 0, '0') end
return {mended, taken}
`);

/** What was mended of a queue. */
export interface Mended {
  /** Names of what somebody had changed of the queue's own keys. */
  readonly keys: readonly string[];
  /** The data of entries that could not be read and were removed. */
  readonly entries: readonly string[];
}

/**
 * Makes a queue's own keys such that BullMQ's scripts run, in one step. Whatever of the fleet's goes with it comes again
 * from the ledger.
 * @param token of the taker whose take failed: what it took is released.
 */
export async function mendQueue(redis: Redis, queue: string, token = ''): Promise<Mended> {
  const answer = await MEND.run(redis, [`${keyPrefix(queue)}wait`], [...soundValues(queue), token]);
  const [keys, entries] = answer as [string[], string[]];
  return { keys, entries };
}
