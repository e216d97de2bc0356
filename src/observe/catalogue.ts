import type { Fields, PayloadOf } from './field.ts';

export type Level = 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'fatal';

interface Entry {
  readonly level: Level;
  /** What happened, in one sentence. */
  readonly says: string;
  readonly fields: Fields;
  /** A value of one field that makes the event so common that it has another level. */
  readonly except?: { readonly field: string; readonly is: string; readonly level: Level };
}

const run = { tenantId: 'text', worker: 'text', runId: 'text', attempt: 'number' } as const;
const leadership = { shard: 'text', epoch: 'number', holder: 'text' } as const;
const connection = { role: 'text' } as const;

/**
 * Everything that parts of the fleet tell each other's watchers: log, metrics and tests subscribe, nothing else logs.
 * Names are stable, `noun.verbed`; payloads hold ids, names and numbers, never what a tenant stored.
 * docs/events.md is generated from this.
 */
export const EVENTS = Object.freeze({
  'service.started': {
    level: 'info',
    says: 'A process has begun to start.',
    fields: { process: 'text', version: 'text', node: 'text', pid: 'number' },
  },
  'service.ready': { level: 'info', says: 'A process has begun its work.', fields: { process: 'text' } },
  'service.stopping': {
    level: 'info',
    says: 'A process was told to stop: it takes nothing new and finishes what it has begun.',
    fields: { process: 'text', signal: 'text', inFlight: 'number' },
  },
  'drain.expired': {
    level: 'warn',
    says: 'A stopping process aborts what it could not finish in time; those runs are owed again.',
    fields: { process: 'text', inFlight: 'number' },
  },
  'service.stopped': { level: 'info', says: 'A process has ended in order.', fields: { process: 'text' } },
  'process.crashed': {
    level: 'fatal',
    says: 'A process ends because of an error that nothing handled.',
    fields: { message: 'text', stack: 'text?' },
  },
  'loop.failed': {
    level: 'error',
    says: 'One round of a background loop failed; the loop goes on.',
    fields: { loop: 'text', code: 'text', message: 'text', retryInMs: 'number' },
  },
  'observer.failed': {
    level: 'error',
    says: 'A subscriber threw while it was told of an event; the others were told all the same.',
    fields: { during: 'text', message: 'text' },
  },
  'config.warned': { level: 'warn', says: 'A variable of the environment was ignored.', fields: { message: 'text' } },
  'port.opened': {
    level: 'info',
    says: 'A process serves HTTP on a port.',
    fields: { purpose: 'text', host: 'text', port: 'number' },
  },
  'migration.applied': {
    level: 'info',
    says: 'A migration was applied to a shard.',
    fields: { shard: 'text', migration: 'text', seconds: 'number' },
  },

  'run.claimed': { level: 'debug', says: 'An attempt of a run has begun.', fields: run },
  'run.finished': {
    level: 'info',
    says: 'An attempt of a run has ended, and the ledger says how.',
    fields: {
      ...run,
      slot: 'text?',
      plan: 'text',
      outcome: 'ending',
      reason: 'text?',
      seconds: 'number',
      waitSeconds: 'number',
      counts: 'counts',
    },
    except: { field: 'outcome', is: 'done', level: 'debug' },
  },
  'run.failed': {
    level: 'warn',
    says: 'An attempt of a run threw; without a time for the next try the run is dead.',
    fields: { ...run, failures: 'number', code: 'text', message: 'text', retryInMs: 'number or null' },
  },
  'fence.lost': {
    level: 'info',
    says: 'An attempt came too late, as another one owns the run; it changed nothing.',
    fields: run,
  },
  'ticket.refused': {
    level: 'warn',
    says: 'A ticket from Redis was not worked on; its runs stay in the ledger and come again.',
    fields: { queue: 'text', reason: 'text' },
  },
  'ticket.expired': {
    level: 'warn',
    says: 'A genuine ticket lay in Redis for too long; its runs are owed again. Many of them point at clocks that differ.',
    fields: { queue: 'text', runs: 'number', lateMs: 'number' },
  },
  'completions.refused': {
    level: 'warn',
    says: 'A message about runs that have left was not believed, as its signature or form is wrong; the ledger is looked at instead.',
    fields: { reason: 'text' },
  },
  'runs.late': {
    level: 'info',
    says: 'Runs were skipped as they could not begin by their deadline.',
    fields: { runs: 'number' },
  },
  'runs.rescued': {
    level: 'warn',
    says: 'Runs whose process died or whose ticket was lost are owed again.',
    fields: { running: 'number', queued: 'number' },
  },

  'cycle.planned': {
    level: 'info',
    says: 'A slot fell due, and its runs are in the ledger.',
    fields: {
      worker: 'text',
      slot: 'text',
      total: 'number',
      owed: 'number',
      skipped: 'number',
      covered: 'number',
      seconds: 'number',
    },
  },
  'cycle.finished': {
    level: 'info',
    says: 'Every run of a slot has ended.',
    fields: { worker: 'text', slot: 'text', done: 'number', skipped: 'number', dead: 'number', seconds: 'number' },
  },
  'house.swept': {
    level: 'debug',
    says: 'Finished runs, events, keys of requests and cycles whose time to be kept is over were removed.',
    fields: { runs: 'number', events: 'number', keys: 'number', cycles: 'number' },
  },

  'dispatch.lease_taken': { level: 'info', says: 'This process dispatches for a shard now.', fields: leadership },
  'dispatch.lease_lost': { level: 'info', says: 'This process no longer dispatches for a shard.', fields: leadership },
  'dispatch.admitted': {
    level: 'debug',
    says: 'Owed runs were queued.',
    fields: { runs: 'number', ms: 'number' },
  },
  'dispatch.windowed': {
    level: 'trace',
    says: 'How much may be admitted at once, and how much is, by kind of queue.',
    fields: { windows: 'readings', admitted: 'readings' },
  },
  'queue.attached': { level: 'debug', says: 'This process consumes a queue now.', fields: { queue: 'text' } },
  'queue.mended': {
    level: 'warn',
    says: 'Somebody had changed keys of a queue in Redis: paused or limited it, or put something else there. They are as they should be again.',
    fields: { queue: 'text', keys: 'text' },
  },
  'queue.rebuilt': {
    level: 'warn',
    says: 'Redis had lost tickets of a queue (emptied, answering from an older state, or single keys lost); they were put there again.',
    fields: { queue: 'text', cause: 'text', tickets: 'number' },
  },
  'queue.released': { level: 'debug', says: 'This process no longer consumes a queue.', fields: { queue: 'text' } },

  'tenant.displaced': {
    level: 'warn',
    says: 'A rule of operators has placed a tenant elsewhere: its own queues are not taken, or it is too noisy.',
    fields: { tenantId: 'text', kind: 'text', why: 'text' },
  },
  'tenant.put_back': {
    level: 'info',
    says: 'A tenant that a rule had placed elsewhere is where it was again.',
    fields: { tenantId: 'text', kind: 'text', why: 'text' },
  },

  'request.answered': {
    level: 'debug',
    says: 'A request to the API was answered.',
    fields: { endpoint: 'text', status: 'number', seconds: 'number', tenantId: 'text?', requestId: 'text' },
  },
  'request.failed': {
    level: 'error',
    says: 'A request to the API could not be served.',
    fields: { endpoint: 'text', requestId: 'text', message: 'text' },
  },

  'redis.connected': { level: 'info', says: 'A connection to Redis stands.', fields: connection },
  'redis.disconnected': {
    level: 'warn',
    says: 'A connection to Redis broke; it is tried again, and nothing is lost meanwhile.',
    fields: { ...connection, message: 'text' },
  },
  'database.disconnected': {
    level: 'warn',
    says: 'A connection to Postgres broke; it is tried again.',
    fields: { ...connection, message: 'text' },
  },
  'database.unpatched': {
    level: 'warn',
    says: 'Postgres is a release with a known row-security hole; tenant-first keys close it, an update removes it.',
    fields: { version: 'text', fixedIn: 'text', cve: 'text' },
  },
  'stats.collected': {
    level: 'trace',
    says: 'The state of the ledger was counted in the database; `at` is its time, in seconds since 1970.',
    fields: {
      at: 'number',
      owed: 'readings',
      eligible: 'readings',
      held: 'readings',
      oldestOwedSeconds: 'readings',
      cycleLagSeconds: 'readings',
      tenantsStale: 'readings',
      dead: 'readings',
      unknownCalls: 'number?',
      replicasWanted: 'readings',
    },
  },
} as const satisfies Record<string, Entry>);

export type EventName = keyof typeof EVENTS;
export type Payload<Name extends EventName> = PayloadOf<(typeof EVENTS)[Name]['fields']>;

/** An event as the subscribers of all events get it: `name` tells which payload it has. */
export type AnyEvent = { [Name in EventName]: { readonly name: Name; readonly payload: Payload<Name> } }[EventName];

/** How important this event is. */
export function levelOf({ name, payload }: AnyEvent): Level {
  const { level, except }: Entry = EVENTS[name];
  return except && Reflect.get(payload, except.field) === except.is ? except.level : level;
}
