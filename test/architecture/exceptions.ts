import type { Exception } from './rules/finding.ts';

/** Files that may read the clock or set a timer themselves; everything else is handed a Clock. */
export const TIME: readonly Exception[] = [
  { path: 'src/kernel/clock.ts', because: 'it is the clock' },
  { path: 'src/observe/events.ts', because: 'waiting for an event ends at a deadline' },
  { path: 'src/observe/health-server.ts', because: 'a check that hangs must not hang the answer' },
  { path: 'src/cli/up/children.ts', because: 'a process that crashes is started again after a pause' },
  { path: 'src/cli/up/interruption.ts', because: 'nothing tells a process that its parent has ended' },
  { path: 'src/cli/up/patient.ts', because: 'a Postgres that is away can only be asked again' },
  { path: 'src/cli/up/up.ts', because: 'it looks at the progress again from time to time' },
  { path: 'src/embedded/until.ts', because: 'what another process does can only be looked for, until a deadline' },
  { path: 'src/fleet/run-scope.ts', because: 'a lease is renewed while code works between its steps' },
  { path: 'src/client/caller.ts', because: 'it works in the processes of others: nobody hands it a clock' },
  { path: 'workers/delivery/deadline.ts', because: 'who is called outside may never answer' },
  { path: 'src/fleet/service-process.ts', because: 'a drain ends at its deadline' },
  { path: 'src/fleet/worker-service.ts', because: 'the registry is looked at again from time to time' },
  { path: 'src/dispatch/dispatcher.ts', because: 'it rests for a moment between two admissions' },
  { path: 'src/schedule/loop.ts', because: 'it is the pause between two rounds' },
  { path: 'src/db/listener.ts', because: 'a broken connection is made anew after a pause' },
  { path: 'queues/ticket-worker.ts', because: 'what fails in Redis for another reason fails again at once' },
  { path: 'queues/channel.ts', because: 'who only listens learns of a lost route by asking from time to time' },
  { path: 'queues/completions.ts', because: 'completions are published in batches, at most a moment late' },
];

/** Files outside src/db whose code holds SQL. */
export const SQL_IN_CODE: readonly Exception[] = [
  {
    path: 'src/client/transaction.ts',
    because: 'it is bundled into the programs of others, which have no files of the fleet',
  },
  { path: 'src/embedded/postgres-cluster.ts', because: 'it makes the database, with the server in single-user mode' },
  { path: 'src/fleet/perform-function.ts', because: 'it calls the function it composes, whose name no file can know' },
];

/** SQL files that change their role. */
export const SET_ROLE: readonly Exception[] = [
  { path: 'src/db/migrate.sql', because: 'what a migration makes must belong to rae_owner, whoever runs it' },
];
