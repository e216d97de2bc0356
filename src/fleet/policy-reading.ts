import { policyMistakes } from '../tenant/policy-mistakes.ts';
import type { CataloguedWorker } from './catalogue.ts';

/** A policy as a run uses it, or every mistake in the stored one. */
export type PolicyReading = { readonly effective: Readonly<Record<string, unknown>> } | { readonly mistakes: string };

/** Reads a tenant's stored policy; null or undefined = it has none, so the default. Never throws. */
export function readPolicy(worker: CataloguedWorker, document: unknown): PolicyReading {
  if (document === null || document === undefined) return { effective: worker.defaultPolicy };
  const parsed = worker.definition.contract.policy.safeParse(document);
  if (parsed.success) return { effective: parsed.data as Readonly<Record<string, unknown>> };
  const mistakes = policyMistakes(worker.definition.contract.policy, document).join('; ');
  return { mistakes: `the stored policy is invalid: ${mistakes}` };
}
