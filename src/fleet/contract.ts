import { z } from 'zod';
import { faultOfSchedule } from '../kernel/cron.ts';

/** What a worker is to everyone but the fleet: enough for clients and the catalogue, and nothing that runs. */
export interface WorkerContract<
  Policy extends z.ZodType = z.ZodType,
  Payload extends z.ZodType = z.ZodType,
  Settings extends z.ZodType = z.ZodType,
> {
  /** The name of its folder; also in queue names, metrics and commands. */
  readonly name: string;
  /** What it does, in one sentence. */
  readonly does: string;
  /** What a tenant may tune. `{}` must parse: every field has a default. Unknown keys are refused. */
  readonly policy: Policy;
  /** What a run that somebody requested may carry. */
  readonly payload: Payload;
  /** What an operator may tune for all tenants (`RAE_SETTINGS`). `{}` must parse. */
  readonly settings: Settings;
}

/** Declares a contract; its schemas type the worker that fulfils it. */
export function workerContract<Policy extends z.ZodType, Payload extends z.ZodType, Settings extends z.ZodType>(
  contract: WorkerContract<Policy, Payload, Settings>,
): WorkerContract<Policy, Payload, Settings> {
  return Object.freeze(contract);
}

/**
 * The policy fields from which a tenant's cadence follows; a worker with a schedule spreads them into its policy.
 * They keep these names in every policy, since the scheduler sees only them.
 * @param cron the default, five fields · @param timeZone the default, an IANA zone.
 */
export function scheduleFields(cron: string, timeZone = 'UTC') {
  return {
    enabled: z.boolean().default(true).describe('false = no runs for this tenant'),
    cron: z
      .string()
      .max(100)
      .superRefine((value, context) => refuse(context, { cron: value, timeZone: 'UTC' }))
      .default(cron)
      .describe('when, in five cron fields'),
    time_zone: z
      .string()
      .max(60)
      .superRefine((value, context) => refuse(context, { cron: '0 0 * * *', timeZone: value }))
      .default(timeZone)
      .describe('IANA zone that the cron is read in'),
  };
}

function refuse(context: z.RefinementCtx, schedule: { readonly cron: string; readonly timeZone: string }): void {
  const message = faultOfSchedule(schedule);
  if (message !== undefined) context.addIssue({ code: 'custom', message });
}
