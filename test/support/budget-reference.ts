/** A budget as the reference knows it. Money in millionths of a dollar. */
export interface ReferenceBudget {
  readonly project: string | null;
  monthly: number | null;
  daily: number | null;
  tokens: number | null;
  thresholds: readonly number[];
  zone: string;
}

/** A logged call as the reference knows it. */
export interface ReferenceCall {
  readonly project: string;
  micro: number;
  readonly tokens: number;
  at: Date;
}

const formats = new Map<string, Intl.DateTimeFormat>();

/** The local date of an instant, by the calendar of the language's own runtime: nothing of Postgres's. */
export function localDate(at: Date, zone: string): string {
  let format = formats.get(zone);
  if (format === undefined) {
    format = new Intl.DateTimeFormat('en-CA', { timeZone: zone, year: 'numeric', month: '2-digit', day: '2-digit' });
    formats.set(zone, format);
  }
  return format.format(at);
}

/**
 * Which alerts there must be, computed anew: adds up every call of a period each time, by the local date of each. A look judges the
 * periods of what arrived since the last one, and the present ones.
 */
export class BudgetReference {
  readonly budgets: ReferenceBudget[] = [];
  readonly calls: ReferenceCall[] = [];
  readonly alerts = new Set<string>();
  #arrived: { readonly project: string; readonly at: Date }[] = [];

  /** Notes that a call came or was changed. */
  arrived({ project, at }: ReferenceCall): void {
    this.#arrived.push({ project, at });
  }

  /** Judges as a run of the worker does. */
  look(now: Date): void {
    for (const budget of this.budgets) {
      const seen = [...this.#arrived.filter(({ project }) => covers(budget, project)).map(({ at }) => at), now];
      for (const date of new Set(seen.map((at) => localDate(at, budget.zone)))) {
        this.#judge(budget, 'daily_usd', date, budget.daily, 10);
        this.#judge(budget, 'monthly_usd', date, budget.monthly, 7);
        this.#judge(budget, 'monthly_tokens', date, budget.tokens, 7);
      }
    }
    this.#arrived = [];
  }

  #judge(budget: ReferenceBudget, meter: string, date: string, limit: number | null, digits: number): void {
    if (limit === null) return;
    const period = date.slice(0, digits);
    const used = this.calls
      .filter(({ project, at }) => covers(budget, project) && localDate(at, budget.zone).startsWith(period))
      .reduce((sum, { micro, tokens }) => sum + (meter.endsWith('usd') ? micro : tokens), 0);
    if (used === 0) return;
    const first = digits === 7 ? `${period}-01` : period;
    for (const threshold of [...budget.thresholds, 1]) {
      // In whole numbers: thresholds have at most two decimals here.
      if (used * 100 >= Math.round(threshold * 100) * limit) {
        this.alerts.add([budget.project, meter, first, threshold].filter((part) => part !== null).join(' '));
      }
    }
  }
}

function covers(budget: ReferenceBudget, project: string): boolean {
  return budget.project === null || budget.project === project;
}
