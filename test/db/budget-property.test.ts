import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { BudgetReference, type ReferenceBudget } from '../support/budget-reference.ts';
import { alertsOf, inTenant, setBudget, spend } from '../support/budget-scene.ts';
import { useDatabase } from '../support/database.ts';
import { type Performing, performing } from '../support/performing.ts';
import { addRun } from '../support/runs.ts';
import { addTenant } from '../support/tenants.ts';

const database = useDatabase();
let alerting: Performing;
const RUNS = Number(process.env.TEST_RUNS ?? 40);

beforeAll(async () => {
  alerting = await performing('budget-alerting', database().tenants());
});

// Where clocks change at midnight, by half an hour, or stand at odd quarters, and both ends of the date line.
const ZONES = [
  ...['UTC', 'America/Havana', 'Australia/Lord_Howe', 'Asia/Kathmandu', 'America/St_Johns'],
  ...['Asia/Beirut', 'Africa/Cairo', 'Pacific/Kiritimati', 'Pacific/Pago_Pago', 'Atlantic/Azores'],
];
/** Around where clocks of these zones change, around the ends of months, and long ago. */
const MOMENTS = [
  '2026-03-08T05:00:00Z',
  '2026-03-29T00:00:00Z',
  '2026-04-24T22:00:00Z',
  '2026-10-25T00:00:00Z',
  '2026-11-01T04:30:00Z',
];

const moment = fc.oneof(
  fc
    .record({ of: fc.constantFrom(...MOMENTS), minutes: fc.integer({ min: -1_500, max: 1_500 }), ms: fc.nat(59_999) })
    .map(({ of, minutes, ms }) => new Date(new Date(of).getTime() + minutes * 60_000 + ms)),
  fc.constant(undefined),
);
const project = fc.constantFrom('default', 'atlas');
const budgetOf = fc.constantFrom(null, 'atlas');
const limit = fc.option(
  fc.integer({ min: 1, max: 400 }).map((cents) => cents * 10_000),
  { nil: null },
);
const thresholds = fc.uniqueArray(fc.constantFrom(0.1, 0.5, 0.8, 0.9, 0.95, 1.5), { maxLength: 4 });

const step = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      kind: fc.constant('spend' as const),
      calls: fc.array(
        fc.record({ project, micro: fc.integer({ min: 0, max: 2_000_000 }), tokens: fc.nat(500), at: moment }),
        {
          minLength: 1,
          maxLength: 5,
        },
      ),
    }),
  },
  fc.record({ kind: fc.constant('correct' as const), which: fc.nat(), micro: fc.integer({ min: 0, max: 2_000_000 }) }),
  fc.record({ kind: fc.constant('move' as const), which: fc.nat(), at: moment }),
  fc.record({
    kind: fc.constant('limits' as const),
    budgetOf,
    monthly: limit,
    daily: limit,
    tokens: fc.option(fc.integer({ min: 1, max: 2_000 }), { nil: null }),
  }),
  fc.record({ kind: fc.constant('thresholds' as const), budgetOf, thresholds }),
  fc.record({ kind: fc.constant('zone' as const), budgetOf, zone: fc.constantFrom(...ZONES) }),
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('look' as const),
      killedAfter: fc.option(fc.integer({ min: 1, max: 3 })),
    }),
  },
);
type Step = typeof step extends fc.Arbitrary<infer Kind> ? Kind : never;

/** One tenant, and what the reference knows of it. */
class Scene {
  readonly reference = new BudgetReference();
  readonly tenantId: string;
  readonly #ids: string[] = [];

  constructor(tenantId: string) {
    this.tenantId = tenantId;
  }

  async take(one: Step): Promise<void> {
    switch (one.kind) {
      case 'spend': {
        const calls = one.calls.map((call) => ({ ...call, at: call.at ?? new Date() }));
        const given = calls.map(({ micro, ...call }) => ({ ...call, usd: (micro / 1e6).toFixed(6) }));
        this.#ids.push(...(await spend(database(), this.tenantId, given)));
        this.reference.calls.push(...calls);
        for (const call of calls) this.reference.arrived(call);
        return;
      }
      case 'correct':
      case 'move': {
        const at = this.#ids.length === 0 ? -1 : one.which % this.#ids.length;
        const call = this.reference.calls[at];
        if (call === undefined) return;
        if (one.kind === 'correct') call.micro = one.micro;
        else call.at = one.at ?? new Date();
        await inTenant(
          database(),
          this.tenantId,
          'update public.cost_logs set total_cost_usd = $3, "timestamp" = $4 where tenant_id = $1 and id = $2',
          [this.tenantId, this.#ids[at], (call.micro / 1e6).toFixed(6), call.at],
        );
        this.reference.arrived(call);
        return;
      }
      case 'look':
        return await this.look(one.killedAfter ?? undefined);
      default:
        return await this.edit(one);
    }
  }

  async edit(one: Step & { readonly budgetOf: string | null }): Promise<void> {
    const budget = this.reference.budgets.find((known) => known.project === one.budgetOf);
    if (budget === undefined) return;
    if (one.kind === 'limits') Object.assign(budget, { monthly: one.monthly, daily: one.daily, tokens: one.tokens });
    if (one.kind === 'thresholds') budget.thresholds = one.thresholds;
    if (one.kind === 'zone') budget.zone = one.zone;
    await this.store(budget);
  }

  async store({ project: of, monthly, daily, tokens, thresholds: shares, zone }: ReferenceBudget): Promise<void> {
    const document = {
      monthly_limit_usd: monthly === null ? null : monthly / 1e6,
      daily_limit_usd: daily === null ? null : daily / 1e6,
      monthly_tokens_limit: tokens,
      alert_thresholds: shares,
      time_zone: zone,
      channels: [{ type: 'webhook', url: 'https://hooks.acme.example/budget' }],
    };
    await setBudget(database(), this.tenantId, document, of);
  }

  /** The worker's run; one that is killed after some steps is followed by another. */
  async look(killedAfter?: number): Promise<void> {
    this.reference.look(new Date());
    for (const steps of killedAfter === undefined ? [undefined] : [killedAfter, undefined]) {
      const runId = await addRun(database(), this.tenantId, { worker: 'budget-alerting', origin: 'wake' });
      const answer = await alerting.run(
        { tenantId: this.tenantId, runId, attempt: 0, settings: { step_notes: 2 } },
        steps,
      );
      if (steps === undefined) expect(answer.status).toBe('done');
    }
  }
}

describe('alerts under any interleaving of spend, corrections, edits and zones', () => {
  it('are those that a recomputation finds, each once, with one event and one message each', async () => {
    let alerts = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 3, maxLength: 25 }), async (steps) => {
        const scene = new Scene(await addTenant(database()));
        for (const of of [null, 'atlas']) {
          const budget = {
            project: of,
            monthly: 2_000_000,
            daily: 1_000_000,
            tokens: null,
            thresholds: [0.8, 0.9, 0.95],
            zone: 'UTC',
          };
          scene.reference.budgets.push(budget);
          await scene.store(budget);
        }
        for (const one of steps) {
          await scene.take(one);
          if (one.kind === 'look') {
            expect(await alertsOf(database(), scene.tenantId)).toEqual([...scene.reference.alerts].sort());
          }
        }
        await scene.look();
        const found = await alertsOf(database(), scene.tenantId);
        expect(new Set(found)).toEqual(scene.reference.alerts);
        const [told] = await database().admin<{ events: number; messages: number; keys: number }>(
          `select (select count(*)::int from public.events where tenant_id = $1) as events, count(*)::int as messages,
                  count(distinct idempotency_key)::int as keys from public.messages where tenant_id = $1`,
          [scene.tenantId],
        );
        expect(told).toEqual({ events: found.length, messages: found.length, keys: found.length });
        alerts += found.length;
      }),
      { numRuns: RUNS },
    );
    expect(alerts).toBeGreaterThan(0);
  });
});

describe('an alert', () => {
  it('says spend, limit, period, pace and the day on which nothing will be left, to events and channels alike', async () => {
    const tenantId = await addTenant(database());
    const channels = [
      { type: 'email', to: ['ops@acme.example'] },
      { type: 'webhook', url: 'https://hooks.acme.example/b' },
    ];
    await setBudget(database(), tenantId, { monthly_limit_usd: 310, time_zone: 'Europe/Berlin', channels });
    await spend(database(), tenantId, [{ usd: 279, at: '2026-03-10T12:00:00Z', tokens: 5 }]);
    const runId = await addRun(database(), tenantId, { worker: 'budget-alerting', origin: 'wake' });
    expect(await alerting.run({ tenantId, runId, attempt: 0 })).toMatchObject({
      status: 'done',
      counts: { alerts: 2, messages: 4, unsendable: 0 },
    });
    const said = {
      meter: 'monthly_usd',
      period_kind: 'monthly',
      period: '2026-03-01',
      period_from: '2026-02-28T23:00:00+00:00',
      period_to: '2026-03-31T22:00:00+00:00',
      time_zone: 'Europe/Berlin',
      spend_usd: 279,
      reserved_usd: 0,
      limit_usd: 310,
      // The month has 743 hours: clocks went forward.
      burn_rate_usd_per_day: 9.012113,
      action_on_exceed: 'block',
      unknown_calls: 0,
    };
    const events = await database().admin(
      'select event_type, project, source, payload from public.events where tenant_id = $1 order by created_at',
      [tenantId],
    );
    expect(events).toMatchObject(
      [0.8, 0.9].map((threshold) => ({
        event_type: 'budget_warning',
        project: 'default',
        source: 'budget-alerting',
        payload: { ...said, threshold },
      })),
    );
    const messages = await database().admin('select type, data from public.messages where tenant_id = $1', [tenantId]);
    expect(messages).toHaveLength(4);
    expect(messages[0]).toMatchObject({ type: 'budget.threshold', data: said });
  });

  it('is foretold within the period by its pace so far', async () => {
    const rows = await database().admin(
      `select f.burn_rate_per_day, f.exhausted_on::text from public.rae_budget_forecast(10, 5, 45, '2026-03-01T00:00Z', '2026-04-01T00:00Z', '2026-03-06T00:00Z', 'UTC') f`,
    );
    expect(rows).toEqual([{ burn_rate_per_day: '2.000000', exhausted_on: '2026-03-21' }]);
  });
});
