import type { Redis } from 'ioredis';
import { keyPrefix, SOUND, soundValues } from './keys.ts';
import { hashTagged } from './names.ts';
import { Script } from './script.ts';

/** A beat that nobody follows any more goes away by itself; far longer than between two beats of a queue with work. */
const BEAT_MS = 3_600_000;
/** Entries looked at from either end of a list: a longer one was filled by hand, and must not hold up Redis. */
const LOOK = 2_000;

// KEYS[1] the beat, KEYS[2] the wait key · ARGV what SOUND takes, the beat as written last ('' = not known), the beat
// to write, for how many ms, how many entries to look at from either end of a list, then the ids of tickets.
const WATCH = new Script(`${SOUND}
local state = 'kept'
local before = redis.call('TYPE', KEYS[1])['ok'] == 'string' and redis.call('GET', KEYS[1])
if ARGV[4] ~= '' and before ~= ARGV[4] then
  state = 'older'
  if redis.call('EXISTS', KEYS[1]) == 0 then state = 'emptied' end
end
redis.call('SET', KEYS[1], ARGV[5], 'PX', ARGV[6])

local look = math.max(tonumber(ARGV[7]), #ARGV - 7)
local function read(name)
  local list, places = prefix .. name, {}
  local whole = redis.call('LLEN', list) <= 2 * look
  if not whole then
    for _, id in ipairs(redis.call('LRANGE', list, -look, -1)) do places[id] = -1 end
  end
  for _, id in ipairs(redis.call('LRANGE', list, 0, whole and -1 or look - 1)) do places[id] = 1 end
  return places, whole
end
local waiting, all_waiting = read('wait')
local active, all_active = read('active')

local function forget(id)
  if waiting[id] then redis.call('LREM', prefix .. 'wait', waiting[id], id) end
  if active[id] then redis.call('LREM', prefix .. 'active', active[id], id) end
  for _, name in ipairs({'prioritized', 'delayed', 'completed', 'failed', 'waiting-children'}) do
    redis.call('ZREM', prefix .. name, id)
  end
  local key = prefix .. id
  redis.call('UNLINK', key, key .. ':lock', key .. ':logs', key .. ':dependencies', key .. ':processed',
    key .. ':failed', key .. ':unsuccessful')
end

local lost, back = {}, {}
for at = 8, #ARGV do
  local id = ARGV[at]
  -- Something else than a hash answers with an error.
  local whole = redis.pcall('HEXISTS', prefix .. id, 'data') == 1
  if not whole then
    forget(id)
    table.insert(lost, id)
  elseif not waiting[id] and not active[id] then
    if redis.call('ZREM', prefix .. 'delayed', id) == 1 then
      redis.call('LPUSH', prefix .. 'wait', id)
      back['delayed'] = true
    elseif redis.call('ZSCORE', prefix .. 'prioritized', id) then
      -- It is taken in its turn.
    elseif redis.call('PTTL', prefix .. id .. ':lock') > 0 then
      -- Somebody works on it: given its place back, it ends as any other, and is taken anew should its holder die.
      if all_active then
        redis.call('LPUSH', prefix .. 'active', id)
        back['active'] = true
      end
    elseif all_waiting and all_active then
      forget(id)
      table.insert(lost, id)
    end
  end
end
for name in pairs(back) do table.insert(mended, name) end
-- Without it idle takers would find what waits only at their next look.
if redis.call('LLEN', prefix .. 'wait') + redis.call('ZCARD', prefix .. 'prioritized') > 0 then
  redis.call('ZADD', prefix .. 'marker', 0, '0')
end
return {state, lost, mended}
`);

/** What a dispatcher knows of a queue that it has put tickets into. */
export interface WatchedQueue {
  readonly queue: string;
  /** The beat that was written last, by this dispatcher; undefined at first. */
  readonly lastBeat: string | undefined;
  /** The beat to write now: one that was never written before. */
  readonly beat: string;
  /** Ids (their `mac`) of the tickets that should wait or be worked on: those whose adding has ended. */
  readonly tickets: readonly string[];
}

/** How a queue was found. */
export interface QueueSighting {
  /**
   * Whether Redis still has what was written to it.
   * - `kept`: the last beat is there (or none was known).
   * - `emptied`: it is gone, and Redis with it: flushed, restarted without its data, or the key was deleted.
   * - `older`: there is another one: a replica took over, an older state was restored, or a former dispatcher wrote.
   */
  readonly state: 'kept' | 'emptied' | 'older';
  /**
   * Tickets that are nowhere in the queue, or without their data. What was left of them is removed, so that they can be
   * added again. A ticket that has just ended is among them when its completion was not heard yet: the ledger says
   * which of their runs are still queued, and only those are lost.
   */
  readonly lost: readonly string[];
  /** Names of what somebody had changed of the queue and is now as it should be. */
  readonly mended: readonly string[];
}

/**
 * Looks, in one step of Redis, whether a queue still holds what was put into it, leaves a beat for the next look, and
 * undoes what a hand has done to it: a pause, a limit, a broken key. Costs about a microsecond a ticket, and is bounded
 * whatever else stands in the queue: of lists longer than 4,000 only both ends are read, and a ticket that is not seen
 * there but has its data counts as waiting.
 * @throws where Redis is away or refuses.
 */
export async function watchQueue(redis: Redis, watched: WatchedQueue): Promise<QueueSighting> {
  const { queue, lastBeat = '', beat, tickets } = watched;
  const keys = [`rae:${hashTagged(queue)}:beat`, `${keyPrefix(queue)}wait`];
  const answer = await WATCH.run(redis, keys, [...soundValues(queue), lastBeat, beat, BEAT_MS, LOOK, ...tickets]);
  const [state, lost, mended] = answer as [QueueSighting['state'], string[], string[]];
  return { state, lost, mended };
}
