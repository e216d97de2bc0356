import type { z } from 'zod';
import type { budgetAlerting } from '../../workers/budget-alerting/contract.ts';
import type { costAggregation } from '../../workers/cost-aggregation/contract.ts';
import type { decay } from '../../workers/decay/contract.ts';
import type { delivery } from '../../workers/delivery/contract.ts';
import type { retentionPurge } from '../../workers/retention-purge/contract.ts';
import type { triggerEvaluation } from '../../workers/trigger-evaluation/contract.ts';
import type { WorkerContract } from '../fleet/contract.ts';

/** What runs of each worker carry, by the name of the worker. */
export type PayloadsOf<Contracts extends Readonly<Record<string, WorkerContract>>> = {
  readonly [Worker in keyof Contracts]: Carried<z.input<Contracts[Worker]['payload']>>;
};

/** Of a schema without fields TypeScript says `{}`, which anything is; here it means that there are none. */
type Carried<Payload> = keyof Payload extends never ? Readonly<Record<string, never>> : Payload;

/** What runs of the fleet's own workers carry. A fleet with more workers has `Payloads & PayloadsOf<{…}>`. */
export type Payloads = PayloadsOf<{
  'budget-alerting': typeof budgetAlerting;
  'cost-aggregation': typeof costAggregation;
  decay: typeof decay;
  delivery: typeof delivery;
  'retention-purge': typeof retentionPurge;
  'trigger-evaluation': typeof triggerEvaluation;
}>;

/** How a run is asked for. */
export interface EnqueueOptions {
  /** The same key gives the same run, for 72 hours at least. */
  readonly idempotencyKey?: string | undefined;
  /** Not before then. */
  readonly availableAt?: Date | undefined;
  /** 0 to 9: the highest first, among the tenant's runs of this worker. Default 0. */
  readonly priority?: number | undefined;
  /** It is skipped where it has not begun by then. */
  readonly deadline?: Date | undefined;
}

/** A run to be asked for, among several. */
export type RunRequest<All> = {
  readonly [Worker in keyof All & string]: EnqueueOptions & {
    readonly worker: Worker;
    readonly payload?: All[Worker];
  };
}[keyof All & string];
