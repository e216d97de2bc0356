import { SeededRandom, seededId } from './seed.ts';
import type { DemoTenant } from './tenant.ts';

/** A call of a model as showcase.sql takes it; prices are US dollars per million tokens. */
export interface DemoCall {
  readonly project: string;
  readonly model: string;
  readonly provider: string;
  readonly operation: string;
  readonly input: number;
  readonly output: number;
  readonly input_price: number;
  readonly output_price: number;
  readonly latency: number;
}

/** An event as showcase.sql takes it. */
export interface DemoEvent {
  readonly type: string;
  readonly project: string;
  readonly payload: Readonly<Record<string, unknown>>;
}

type Model = Pick<DemoCall, 'model' | 'provider' | 'input_price' | 'output_price'>;

const MODELS: readonly [Model, ...Model[]] = [
  { model: 'gpt-4o', provider: 'openai', input_price: 2.5, output_price: 10 },
  { model: 'gpt-4o-mini', provider: 'openai', input_price: 0.15, output_price: 0.6 },
  { model: 'claude-3-5-sonnet-20241022', provider: 'anthropic', input_price: 3, output_price: 15 },
];
const OPERATIONS = ['query', 'reflection', 'extraction'] as const;
/** Of how many of a tenant's first memories events speak. */
const KNOWN_MEMORIES = 5;

/** What a tenant's agents do in one moment: calls of models and what happened; always the same for its number and the moment's. */
export function demoMoment(
  tenant: DemoTenant,
  moment: number,
): { readonly calls: readonly DemoCall[]; readonly events: readonly DemoEvent[] } {
  const random = new SeededRandom(tenant.index, 1_000_000 + moment);
  const project = random.pick(tenant.projects);
  const count = (from: number, to: number) => from + Math.floor(random.next() * (to - from + 1));
  const calls = Array.from({ length: count(1, 4) }, () => ({
    project,
    ...random.pick(MODELS),
    operation: random.pick(OPERATIONS),
    input: count(4_000, 40_000),
    output: count(200, 4_000),
    latency: count(200, 4_000),
  }));
  const events = Array.from({ length: count(1, 3) }, () => ({ project, ...happened(tenant, random) }));
  return { calls, events };
}

function happened(tenant: DemoTenant, random: SeededRandom): Pick<DemoEvent, 'type' | 'payload'> {
  const share = Math.round(random.next() * 100) / 100;
  const some = Math.floor(random.next() * KNOWN_MEMORIES);
  return random.pick<Pick<DemoEvent, 'type' | 'payload'>>([
    { type: 'drift_detected', payload: { score: share } },
    { type: 'quality_degraded', payload: { quality_score: share } },
    { type: 'memory_accessed', payload: { memory_id: seededId('memory', tenant.index, some) } },
    { type: 'search_executed', payload: { results: some, seconds: share } },
    { type: 'agent_interaction', payload: { turns: some } },
  ]);
}
