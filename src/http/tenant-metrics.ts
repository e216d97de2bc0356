import type { TenantFigures } from '../ledger/tenant-figures.ts';
import { exposition } from '../observe/exposition.ts';

/** The figures of one tenant in the text format of Prometheus. Read from the database when asked. */
export async function tenantMetrics(figures: TenantFigures, tenantId: string, now: Date): Promise<string> {
  const { runs, memories, month } = await figures.read(tenantId, now);
  const one = (name: string, help: string, value: number) => ({ name, help, readings: [{ value }] });
  return exposition([
    {
      name: 'rae_tenant_runs',
      help: 'Runs in the ledger, by worker and state.',
      readings: runs.map(({ worker, state, count }) => ({ labels: { worker, state }, value: count })),
    },
    one('rae_tenant_memories', 'Memories that are stored.', memories),
    one(
      'rae_tenant_month_cost_usd',
      'What calls of models cost since the month began in UTC, in US dollars.',
      month.usd,
    ),
    one('rae_tenant_month_tokens', 'Tokens of those calls.', month.tokens),
    one('rae_tenant_month_unknown_calls', 'Those of the calls whose cost is not known.', month.unknownCalls),
  ]);
}
