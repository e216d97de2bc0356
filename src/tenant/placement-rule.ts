import { z } from 'zod';

/** Stands for every tenant in a rule. */
export const EVERY_TENANT_RULE = '00000000-0000-0000-0000-000000000000';

const fallback = z.object({ after_seconds: z.int().min(1).max(86_400) });
const quarantine = z.object({
  share_percent: z.number().gt(0).max(100).nullable(),
  failed_percent: z.number().gt(0).max(100).nullable(),
  noisy_seconds: z.int().min(1).max(86_400),
  calm_seconds: z.int().min(1).max(86_400),
});

/** A dedicated queue that no process takes falls back to the shared ones after so long. */
export type FallbackRule = z.infer<typeof fallback>;
/** Who holds more than this of the fleet's worker time, or whose runs fail more than this, is moved to quarantine, and back when calm. */
export type QuarantineRule = z.infer<typeof quarantine>;

/** Why a tenant is placed elsewhere by itself. */
export const PLACEMENT_RULES = ['fallback', 'quarantine'] as const;
export type PlacementRuleKind = (typeof PLACEMENT_RULES)[number];

/** A rule as the registry has it. */
export type PlacementRuleRow = {
  readonly tenant_id: string;
  readonly kind: PlacementRuleKind;
  readonly settings: unknown;
  readonly owner: string;
  readonly updated_at: Date;
};

/** A tenant that a rule has placed elsewhere. */
export type DisplacementRow = {
  readonly tenant_id: string;
  readonly kind: PlacementRuleKind;
  /** Where it goes back to; null = what its plan says. */
  readonly home: string | null;
  readonly why: string;
  readonly since: Date;
};

/** The rules that hold, to be asked for a tenant: its own, else that of all. What cannot be read is no rule. */
export class PlacementRules {
  readonly #rules = new Map<string, unknown>();

  constructor(rows: readonly PlacementRuleRow[]) {
    for (const { tenant_id: tenantId, kind, settings } of rows) this.#rules.set(`${kind} ${tenantId}`, settings);
  }

  /** Nothing is placed elsewhere by itself. */
  get areNone(): boolean {
    return this.#rules.size === 0;
  }

  /** Whether a dedicated queue of the tenant may fall back; undefined = not. */
  fallback(tenantId: string): FallbackRule | undefined {
    return fallback.safeParse(this.#of('fallback', tenantId)).data;
  }

  /** When the tenant is moved to quarantine; undefined = never by itself. */
  quarantine(tenantId: string): QuarantineRule | undefined {
    return quarantine.safeParse(this.#of('quarantine', tenantId)).data;
  }

  /** Every rule of quarantine there is. */
  get quarantines(): readonly QuarantineRule[] {
    const own = [...this.#rules].filter(([key]) => key.startsWith('quarantine '));
    return own.flatMap(([, settings]) => quarantine.safeParse(settings).data ?? []);
  }

  #of(kind: PlacementRuleKind, tenantId: string): unknown {
    const own = this.#rules.get(`${kind} ${tenantId}`);
    return own === undefined ? this.#rules.get(`${kind} ${EVERY_TENANT_RULE}`) : own;
  }
}
