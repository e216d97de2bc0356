import { DAY } from '../../kernel/duration.ts';
import { RaeError } from '../../kernel/errors.ts';
import type { TenantQuota } from '../../tenant/quota.ts';
import { QuotaBook } from '../../tenant/quota-book.ts';
import {
  type PartOfUsage,
  USAGE_PARTS,
  type Usage,
  UsageBook,
  type UsagePart,
  type UsageSpan,
} from '../../tenant/usage-book.ts';
import type { Call } from '../call.ts';
import type { Command } from '../command.ts';
import { knownTenant } from '../known-tenant.ts';
import { instant, oneOf, option, tenantId, text } from '../option.ts';
import { quotaLines } from '../quota-view.ts';
import { RemoteUsage } from '../remote-money.ts';
import { table } from '../table.ts';

const TENANT = '3f2a8c54-1f7e-4c0b-9a53-0d7e2b1c9f10';

interface UsageOptions {
  readonly tenant: string;
  readonly project?: string;
  readonly from?: Date;
  readonly to?: Date;
  readonly by: UsagePart;
}

/** `rae usage`. */
export const usageCommand: Command = {
  overApi: true,
  name: 'usage',
  does: "Tells what a tenant's calls of models cost and took, in whole days of UTC, and how much of its quotas it uses now.",
  needs: [option('--tenant <tenant>', 'its id', tenantId)],
  options: [
    option('--project <project>', 'only this project', text),
    option('--from <date>', 'the first day; default: the first of this month', instant),
    option('--to <date>', 'the day after the last; default: tomorrow', instant),
    option('--by <what>', `a row for each: ${USAGE_PARTS.join(', ')}`, oneOf(USAGE_PARTS)).default('model'),
  ],
  examples: [
    `rae usage --tenant ${TENANT}`,
    `rae usage --tenant ${TENANT} --from 2026-10-01 --to 2026-11-01 --by day --json`,
  ],
  run: async (call) => {
    const { tenant, project, from, to, by } = call.options<UsageOptions>();
    const now = call.ports.clock.now();
    const span = {
      project,
      from: wholeDay('--from', from) ?? new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth(), 1)),
      to: wholeDay('--to', to) ?? new Date(Math.floor(now.getTime() / DAY) * DAY + DAY),
    };
    if (span.from >= span.to) throw new RaeError('RAE_USAGE', '--from is not before --to');
    await knownTenant(call, tenant);
    const { total, parts, quotas } = await toldOf(call, tenant, span, by);
    const [first, last] = [span.from.toISOString().slice(0, 10), span.to.toISOString().slice(0, 10)];
    return {
      json: {
        ...{ tenant_id: tenant, project: project ?? null, from: first, to: last, by },
        ...{ total, parts: parts.map(({ part, ...usage }) => ({ [by]: part, ...usage })), quotas },
      },
      text: () => shown(`${first} to before ${last}`, { total, parts, quotas }, by, call),
    };
  },
};

async function toldOf(call: Call, tenant: string, span: UsageSpan, by: UsagePart): Promise<Told> {
  if (call.remote !== undefined) return new RemoteUsage(call.remote).usage(span, by);
  const { total, parts } = await new UsageBook(call.connection.tenants).usage(tenant, span, by);
  return { total, parts, quotas: await new QuotaBook(call.connection.tenants).list(tenant) };
}

function wholeDay(name: string, at: Date | undefined): Date | undefined {
  if (at === undefined || at.getTime() % DAY === 0) return at;
  throw new RaeError('RAE_USAGE', `${name} is ${at.toISOString()}; expected a day of UTC such as 2026-11-23`);
}

interface Told {
  readonly total: Usage;
  readonly parts: readonly PartOfUsage[];
  readonly quotas: readonly TenantQuota[];
}

function shown(span: string, { total, parts, quotas }: Told, by: UsagePart, call: Call): string {
  const unknown =
    total.unknown_calls === 0
      ? ''
      : `\nthe cost of ${total.unknown_calls} ${total.unknown_calls === 1 ? 'call' : 'calls'} is unknown: see rae price list`;
  const spent = `${span}: ${total.cost_usd} USD, ${total.tokens} tokens, ${total.calls} calls${unknown}`;
  const sum = `${spent}\n\n${quotaLines(quotas, call.out.look)}`;
  if (parts.length === 0) return sum;
  const rows = table(
    [
      { title: by.toUpperCase(), value: ({ part }) => part, shrinks: true },
      { title: 'USD', value: (usage) => usage.cost_usd, align: 'right' },
      { title: 'TOKENS', value: (usage) => usage.tokens, align: 'right' },
      { title: 'CALLS', value: (usage) => usage.calls, align: 'right' },
      {
        title: 'UNKNOWN',
        value: (usage) => usage.unknown_calls,
        align: 'right',
        tone: (usage) => (usage.unknown_calls > 0 ? 'bad' : undefined),
      },
      { title: 'SAVED', value: (usage) => usage.saved_usd, align: 'right' },
    ],
    parts,
    call.out.look,
  );
  return `${rows}\n\n${sum}`;
}
