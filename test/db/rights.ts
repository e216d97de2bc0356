import { FLEET_ROLES, type FleetRole } from '../support/login-role.ts';

/** The verbs, in the order of the letters. */
export const VERBS = ['select', 'insert', 'update', 'delete'] as const;
export type Verb = (typeof VERBS)[number];

/** How far a right goes: to no row, to the rows of the tenant that is entered, to the rows of every tenant. */
export type Reach = 'none' | 'own' | 'every';

/**
 * Who may do what. A letter is a verb (s select, i insert, u update, d delete; on at least one column): small letters
 * reach the rows of the tenant that is entered, capitals those of every tenant and need none. What is not there is refused.
 */
const RIGHTS = `
table              rae_owner  rae_scheduler  rae_worker  rae_api  rae_operator  rae_readonly
plans              SIUD       S              S           S        SIU           S
plan_quotas        SIUD       -              S           S        SIUD          S
plan_defaults      SIUD       -              S           S        SIUD          S
quotas             SIUD       -              s           s        SIUD          -
memory_tallies     SIUD       -              s           s        -             -
shards             SIUD       S              S           S        SIU           S
fleet_settings     SIUD       SIU            S           S        SIU           S
fleet_secrets      SIUD       SI             S           -        -             -
schema_migrations  S          S              S           S        S             S
cadences           SIUD       SIUD           -           -        SIU           S
cycles             SIUD       SIUD           -           -        SIU           S
leases             SIUD       SIUD           S           S        SU            S
tenants            SIUD       SU             s           s        SIU           -
projects           SIUD       -              s           siud     SI            -
policies           SIUD       S              s           siud     S             -
tenant_cadences    SIUD       SIU            siu         -        SIU           -
due_hints          SIUD       SID            i           i        SI            -
wakes              SIUD       SIUD           -           -        S             -
arrivals           SIUD       SID            i           i        I             -
limits             SIUD       SU             -           s        SIUD          -
time_windows       SIUD       S              -           s        SID           -
placement_rules    SIUD       S              -           -        SIUD          -
displacements      SIUD       SID            -           s        SD            -
pauses             SIUD       SUD            -           s        SIU           -
holds              SIUD       SIUD           s           s        S             -
queue_holds        SIUD       SIUD           -           S        S             S
flights            SIUD       SID            -           -        S             S
runs               SIUD       SIUD           siu         siu      SIU           -
workers            SIUD       S              S           S        S             S
enqueue_keys       SIUD       SD             si          si       -             -
events             SIUD       SD             si          si       S             -
messages           SIUD       S              siud        siu      S             -
message_endpoints  SIUD       -              siud        sd       -             -
memories           SIUD       -              siud        siud     -             -
memory_deltas      SIUD       -              s           s        -             -
decay_marks        SIUD       -              siu         -        -             -
transfers          SIUD       -              -           siud     -             -
memory_embeddings  SIUD       -              siud        siud     -             -
graph_nodes        SIUD       -              siud        siud     -             -
graph_triples      SIUD       -              siud        siud     -             -
graph_evidence     SIUD       -              siud        siud     -             -
graph_losses       SIUD       -              siud        si       -             -
cost_logs          SIUD       -              siud        siud     -             -
cost_rollups_hourly SIUD      -              siud        s        -             -
cost_rollups_daily SIUD       -              siud        s        -             -
cost_adjustments   SIUD       -              siu         s        -             -
cost_deltas        SIUD       -              sid         si       -             -
cost_unknowns      SIUD       S              siud        -        S             -
model_prices       SIUD       S              S           S        SIUD          S
price_book         SIUD       S              S           S        SU            S
legal_holds        SIUD       -              s           siu      -             -
deletion_certificates SIUD    -              siu         s        -             -
retention_marks    SIUD       -              siud        -        -             -
audit_log          SIUD       -              s           s        -             -
audit_heads        SIUD       -              s           s        -             -
audit_checkpoints  SIUD       -              s           s        -             -
audit_keys         SIUD       -              -           -        -             -
members            SIUD       -              -           siud     SI            -
api_keys           SIUD       -              -           siu      SI            -
api_requests       SIUD       SD             -           siud     -             -
operator_keys      SIUD       -              -           -        SIU           -
tenant_data_keys   SIUD       -              s           siu      -             -
tenant_secrets     SIUD       -              s           siud     -             -
pending_events     SIUD       -              sid         i        -             -
event_consumers    SIUD       -              siu         siu      -             -
consumed_events    SIUD       -              sid         s        -             -
trigger_rules      SIUD       -              su          siud     -             -
trigger_tallies    SIUD       -              siu         sd       -             -
trigger_executions SIUD       -              sid         s        -             -
cost_budgets       SIUD       -              s           siud     -             -
budget_notes       SIUD       -              sid         i        -             -
budget_alerts      SIUD       -              siu         s        -             -
budget_reservations SIUD      -              siud        siu      -             -
budget_gates       SIUD       -              siu         siu      -             -
llm_profiles       SIUD       -              s           siud     -             -
`;

/** One line of the table. */
export interface TableRights {
  readonly table: string;
  readonly of: Readonly<Record<FleetRole, Readonly<Record<Verb, Reach>>>>;
}

function reachOf(cell: string, verb: Verb): Reach {
  const letter = verb.charAt(0);
  if (cell.includes(letter)) return 'own';
  return cell.includes(letter.toUpperCase()) ? 'every' : 'none';
}

function lineOf(line: string): TableRights {
  const [table = '', ...cells] = line.trim().split(/\s+/);
  const of = FLEET_ROLES.map((role, index) => {
    const cell = cells[index] ?? '';
    return [role, Object.fromEntries(VERBS.map((verb) => [verb, reachOf(cell, verb)]))];
  });
  return { table, of: Object.fromEntries(of) as TableRights['of'] };
}

/** Every table of the fleet with the rights of every role. */
export const TABLE_RIGHTS: readonly TableRights[] = RIGHTS.trim().split('\n').slice(1).map(lineOf);
