import { existsSync } from 'node:fs';
import type { z } from 'zod';
import type { Queryable } from '../db/database.ts';
import { type FunctionSet, loadFunctions } from '../db/function-set.ts';
import { loadStatements, type Statement } from '../db/statement.ts';
import type { Clock } from '../kernel/clock.ts';
import type { Outcome } from '../kernel/outcome.ts';
import type { WorkerContract } from './contract.ts';

export type { Queryable as TenantTransaction } from '../db/database.ts';
export { type Counts, deferred, done, type Outcome, refused, yielded } from '../kernel/outcome.ts';
export { scheduleFields, workerContract } from './contract.ts';

/**
 * What happens to slots that were missed while nothing planned them.
 * - each: every one is a run of its own.
 * - coalesce: the newest has the run, the older ones are recorded as covered by it.
 * - skip: only the newest runs; the older ones are recorded as skipped.
 */
export type CatchUp = 'each' | 'coalesce' | 'skip';

/**
 * What may arrive for a tenant: memories, cost logs, the release of a legal hold, events, outgoing messages,
 * edits of budgets, prices. A kind is a word that a trigger writes into `due_hints`.
 */
export type Arrival = 'memory' | 'cost_log' | 'hold' | 'event' | 'message' | 'budget' | 'price';

/**
 * What owes a run at once, besides the cadence or instead of one: an arrival, or a time that a run has set with
 * `rae_wake_at`. So do a policy edit and a tenant that is served again. At most one such run of a tenant waits or works;
 * whatever arrives while it works owes one more when it has ended. It should end as done: while it is deferred, none follows.
 */
export interface Wakes {
  readonly on: readonly Arrival[];
  /** How long to wait after the first arrival for more of them, in ms. */
  readonly afterMs: number;
}

/** When a worker's runs are owed. */
export interface When {
  readonly catchUp: CatchUp;
  /** Arrivals that make an idle tenant due again; new tenants and policy edits always do. */
  readonly listens: readonly Arrival[];
  /** Left out = arrivals owe no run of their own. What is named here need not be named in `listens`. */
  readonly wakes?: Wakes;
  /** Whether suspended tenants are served too. Deleted ones never are. */
  readonly servesSuspended: boolean;
  /** How long a run is thought to take before any was measured, in ms. */
  readonly estimateMs: number;
}

/** What `perform` is given: one run of one tenant, and the only ways to reach anything. */
export interface Run<Policy, Payload, Settings> {
  readonly tenantId: string;
  readonly runId: string;
  /** The logical instant the run stands for; undefined for one that was requested. */
  readonly slot: Date | undefined;
  /** Older slots that were missed and that this run covers, oldest first. */
  readonly covered: readonly Date[];
  readonly policy: Policy;
  readonly payload: Payload;
  readonly settings: Settings;
  /** What the last committed step left with `keep`; undefined in a run that has not stepped yet. */
  readonly progress: unknown;
  /** Aborted when the process must stop now: return `yielded()` at the next step. */
  readonly signal: AbortSignal;
  readonly clock: Clock;
  /** How this fleet reaches the world outside, as its operator set it. */
  readonly outside: Outside;
  /** The values of a secret of the tenant that are valid now, the newest first; none where it has no such secret. */
  secret(name: string): Promise<readonly string[]>;
  /**
   * One tenant transaction: commits all of `work` with its record, or none. Guarded by the fence: with a lost fence it
   * throws and nothing was changed. An outcome returned by `work` ends the run in this same transaction; hand it on.
   * In a process that drains no step begins, but for one that is needed `evenDraining`: to write down what was done outside.
   */
  step<T>(
    work: (tx: Queryable, keep: (progress: unknown) => void) => Promise<T>,
    options?: { readonly evenDraining: boolean },
  ): Promise<T>;
}

/** How a fleet reaches the world outside. */
export interface Outside {
  /** The mail server; undefined = there is none, and no e-mail goes out. Never to be shown. */
  readonly mailUrl: string | undefined;
  /** What may be called beyond public https addresses: a list for `kernel/allow-list.ts`. */
  readonly allow: string | undefined;
}

/** SQL that lies beside a worker: its named statements and its functions. */
export interface WorkerSql<Name extends string = string> {
  readonly statements: Readonly<Record<Name, Statement>>;
  readonly functions: FunctionSet | undefined;
}

/** A kind of upkeep as the fleet runs it. */
export interface WorkerDefinition {
  readonly contract: WorkerContract;
  readonly when: When;
  readonly sql: WorkerSql | undefined;
  /**
   * Says what a run would do, and does nothing: takes $1 tenant, $2 slot and $3 the effective policy (jsonb), as
   * rae_api inside the tenant; gives {class, rows, oldest, newest, effect} per class of rows. Undefined = it cannot say.
   */
  readonly preview: Statement | undefined;
  readonly how:
    | { readonly kind: 'statements'; readonly effect: Statement }
    | { readonly kind: 'perform'; readonly perform: (run: Run<unknown, unknown, unknown>) => Promise<Outcome> };
}

interface Definition<Policy extends z.ZodType, Payload extends z.ZodType, Settings extends z.ZodType> {
  readonly contract: WorkerContract<Policy, Payload, Settings>;
  readonly when: When;
  readonly sql?: WorkerSql;
}

/**
 * Declares a worker. Its effect is one of:
 * - `statements`: the name of one SQL statement that the fleet composes with claim and finish into a single round
 *   trip. It may use `:tenant`, `:run`, `:slot`, `:slots` (the slot and those it covers, oldest first), `:policy`,
 *   `:document` (the stored policy, null = none), `:settings` and `:payload` (jsonb), and gives one row `{more boolean, idle boolean, counts jsonb}`: `more` = call again (the
 *   step is committed), `idle` = the tenant has nothing for this worker until a hint arrives. It works in bounded steps.
 * - `perform`: code with steps.
 *
 * `preview` names the statement that says what a run would do; see WorkerDefinition.
 */
export function worker<Policy extends z.ZodType, Payload extends z.ZodType, Settings extends z.ZodType>(
  definition: Definition<Policy, Payload, Settings> &
    (
      | { readonly sql: WorkerSql; readonly statements: string; readonly preview?: string }
      | {
          readonly perform: (run: Run<z.output<Policy>, z.output<Payload>, z.output<Settings>>) => Promise<Outcome>;
        }
    ),
): WorkerDefinition {
  const { contract, when, sql } = definition;
  const how =
    'perform' in definition
      ? {
          kind: 'perform' as const,
          perform: definition.perform as (run: Run<unknown, unknown, unknown>) => Promise<Outcome>,
        }
      : { kind: 'statements' as const, effect: statementOf(definition.sql, definition.statements) };
  const preview =
    'preview' in definition && definition.preview !== undefined
      ? statementOf(definition.sql, definition.preview)
      : undefined;
  return Object.freeze({ contract, when, sql, how, preview });
}

/**
 * Loads `statements.sql` and, where there is one, `functions.sql` beside the worker at `url` (`import.meta.url`).
 * @throws RaeError `RAE_STATEMENT_INVALID` for a statement that is missing or that `names` does not list.
 */
export function sqlBeside<Name extends string>(url: string, names: readonly Name[]): WorkerSql<Name> {
  const file = new URL('./functions.sql', url);
  const functions = existsSync(file) ? loadFunctions(file) : undefined;
  return { functions, statements: loadStatements(new URL('./statements.sql', url), names, functions) };
}

function statementOf(sql: WorkerSql, name: string): Statement {
  const found = sql.statements[name];
  if (found === undefined) throw new TypeError(`there is no statement "${name}" beside the worker`);
  return found;
}
