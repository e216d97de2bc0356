import { createHash } from 'node:crypto';
import { z } from 'zod';
import type { FunctionSet } from '../db/function-set.ts';
import { canonicalJson } from '../kernel/canonical-json.ts';
import { messageOf, RaeError } from '../kernel/errors.ts';
import { nearest } from '../kernel/nearest.ts';
import { type PerformFunction, performFunction } from './perform-function.ts';
import type { WorkerDefinition } from './worker.ts';

/** A worker with what the fleet derives from its definition once, at start. */
export interface CataloguedWorker {
  readonly name: string;
  readonly definition: WorkerDefinition;
  /** The policy of a tenant that has set none. */
  readonly defaultPolicy: Readonly<Record<string, unknown>>;
  /** Changes when the policy schema does: a policy stored under another fingerprint is parsed again. */
  readonly fingerprint: string;
  /** The default schedule; undefined for a worker that runs only when asked or woken. */
  readonly schedule: { readonly cron: string; readonly timeZone: string } | undefined;
  readonly performFunction: PerformFunction | undefined;
}

/** Every worker the fleet knows, checked and frozen. */
export class Catalogue {
  readonly #workers: ReadonlyMap<string, CataloguedWorker>;

  private constructor(workers: ReadonlyMap<string, CataloguedWorker>) {
    this.#workers = workers;
  }

  /**
   * Checks what each folder's `worker` file exports by default.
   * @throws RaeError `RAE_WORKER_INVALID` naming the folder and what is wrong: the fleet does not start with half a catalogue.
   */
  static of(modules: readonly (readonly [folder: string, exported: unknown])[]): Catalogue {
    return new Catalogue(new Map(modules.map(([folder, exported]) => [folder, catalogued(folder, exported)])));
  }

  /** Their names, in alphabetical order. */
  get names(): readonly string[] {
    return [...this.#workers.keys()];
  }

  get all(): readonly CataloguedWorker[] {
    return [...this.#workers.values()];
  }

  /** @throws RaeError `RAE_NOT_FOUND` with the nearest name there is. */
  get(name: string): CataloguedWorker {
    const found = this.#workers.get(name);
    if (found !== undefined) return found;
    const near = nearest(name, this.names);
    throw new RaeError('RAE_NOT_FOUND', `there is no worker "${name}"`, {
      hint: near === undefined ? `there are: ${this.names.join(', ')}` : `did you mean ${near}?`,
    });
  }

  /** The database functions of all workers, for `rae migrate`. */
  get functions(): readonly FunctionSet[] {
    return this.all.flatMap(({ definition, performFunction: fused }) =>
      [definition.sql?.functions, fused?.functions].filter((set) => set !== undefined),
    );
  }
}

function catalogued(folder: string, exported: unknown): CataloguedWorker {
  const invalid = (what: string) => new RaeError('RAE_WORKER_INVALID', `workers/${folder}: ${what}`);
  if (!isDefinition(exported)) throw invalid('worker.ts must export worker({…}) by default');
  const { contract } = exported;
  if (contract.name !== folder) throw invalid(`its contract is named "${contract.name}"; expected "${folder}"`);
  if (!/^[a-z][a-z0-9]*(-[a-z0-9]+)*$/.test(folder)) throw invalid('a name is lower-case words joined by hyphens');
  for (const schema of ['policy', 'settings'] as const) {
    if (!contract[schema].safeParse({}).success)
      throw invalid(`its ${schema} schema does not accept {}: give every field a default`);
  }
  try {
    const defaultPolicy = Object.freeze(contract.policy.parse({}) as Record<string, unknown>);
    const { enabled, cron, time_zone: timeZone } = defaultPolicy;
    const scheduled = enabled !== false && typeof cron === 'string' && typeof timeZone === 'string';
    return Object.freeze({
      name: folder,
      definition: exported,
      defaultPolicy,
      fingerprint: fingerprintOf(contract.policy),
      schedule: scheduled ? { cron, timeZone } : undefined,
      performFunction: performFunction(exported),
    });
  } catch (error) {
    throw error instanceof RaeError ? error : invalid(messageOf(error));
  }
}

function fingerprintOf(schema: z.ZodType): string {
  const shape = z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' });
  return createHash('sha256').update(canonicalJson(shape)).digest('hex').slice(0, 12);
}

function isDefinition(value: unknown): value is WorkerDefinition {
  return typeof value === 'object' && value !== null && 'contract' in value && 'how' in value && 'when' in value;
}
