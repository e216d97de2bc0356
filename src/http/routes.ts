import { KeyBook } from '../access/key-book.ts';
import { MemberBook } from '../access/member-book.ts';
import { AuditLog, type Author } from '../audit/log.ts';
import type { Config } from '../config/config.ts';
import type { Database } from '../db/database.ts';
import { Shards } from '../db/shards.ts';
import type { TenantContext } from '../db/tenant-context.ts';
import type { Catalogue } from '../fleet/catalogue.ts';
import type { Clock } from '../kernel/clock.ts';
import { LimitBook } from '../ledger/limit-book.ts';
import { PauseBook } from '../ledger/pause-book.ts';
import { RunBook } from '../ledger/run-book.ts';
import { TenantFigures } from '../ledger/tenant-figures.ts';
import { TenantRuns } from '../ledger/tenant-runs.ts';
import { CycleBook } from '../schedule/cycle-book.ts';
import { CycleCommand } from '../schedule/cycle-command.ts';
import { MasterKeys } from '../secrets/master-keys.ts';
import { SecretBook } from '../secrets/secret-book.ts';
import { BudgetBook } from '../tenant/budget-book.ts';
import { CostBook } from '../tenant/cost-book.ts';
import { EventBook } from '../tenant/event-book.ts';
import { MessageBook } from '../tenant/message-book.ts';
import { PolicyBook } from '../tenant/policy-book.ts';
import { PriceBook } from '../tenant/price-book.ts';
import { QuotaBook } from '../tenant/quota-book.ts';
import { TenantRegistry } from '../tenant/registry.ts';
import { RuleBook } from '../tenant/rule-book.ts';
import { UsageBook } from '../tenant/usage-book.ts';
import { ruleSettings } from '../trial/rule-settings.ts';
import { auditRoutes } from './audit-routes.ts';
import { budgetRoutes } from './budget-routes.ts';
import { costRoutes } from './cost-routes.ts';
import { cycleRoutes } from './cycle-routes.ts';
import { eventRoutes } from './event-routes.ts';
import { type FleetBooks, fleetRoutes } from './fleet-routes.ts';
import { keyRoutes } from './key-routes.ts';
import { limitRoutes } from './limit-routes.ts';
import { memberRoutes } from './member-routes.ts';
import { messageRoutes } from './message-routes.ts';
import { pauseRoutes } from './pause-routes.ts';
import { policyRoutes } from './policy-routes.ts';
import { priceRoutes } from './price-routes.ts';
import type { Route } from './route.ts';
import { ruleRoutes } from './rule-routes.ts';
import { ruleTrialRoutes } from './rule-trial-routes.ts';
import { runRoutes } from './run-routes.ts';
import { secretRoutes } from './secret-routes.ts';
import { tenantQuotaRoutes } from './tenant-quota-routes.ts';
import { tenantRoutes } from './tenant-routes.ts';
import { usageRoutes } from './usage-routes.ts';

/** What the routes are made of. */
export interface RouteParts {
  /** As `rae_api`. */
  readonly tenants: TenantContext;
  readonly catalogue: Catalogue;
  /** As `rae_operator`; undefined = the routes of operators are not served. */
  readonly operator: OperatorParts | undefined;
  /** How many calls of the API a tenant has made within the present minute. */
  readonly calls: (tenantId: string) => Promise<number>;
  /** What tenants' secrets are sealed under; undefined = none can be set. */
  readonly masterKeys?: string | undefined;
  /** What the environment sets for workers, by name. */
  readonly settings?: Config['settings'] | undefined;
}

/** What the routes of operators are made of. */
export interface OperatorParts extends Pick<FleetBooks, 'partitions' | 'depth'> {
  readonly database: Database;
  readonly clock: Clock;
  /** How many shards the fleet has. */
  readonly shards: number;
}

/** Every route of the API. Adding one is adding it to a file of routes, or such a file here. */
export function routesOf({ tenants, catalogue, operator, calls, masterKeys, settings }: RouteParts): readonly Route[] {
  const rules = new RuleBook(tenants);
  const schemas = catalogue.all.map(
    ({ name, definition, fingerprint, defaultPolicy }) =>
      [name, { schema: definition.contract.policy, fingerprint, defaults: defaultPolicy }] as const,
  );
  return [
    ...runRoutes(new TenantRuns(tenants), catalogue),
    ...policyRoutes(new PolicyBook(tenants, new Map(schemas))),
    ...budgetRoutes(new BudgetBook(tenants)),
    ...costRoutes(new CostBook(tenants)),
    ...eventRoutes(new EventBook(tenants)),
    ...usageRoutes({
      usage: new UsageBook(tenants),
      figures: new TenantFigures(tenants),
      quotas: new QuotaBook(tenants),
      calls,
    }),
    ...ruleRoutes(rules),
    ...ruleTrialRoutes(rules, ruleSettings(settings ?? {})),
    ...messageRoutes(new MessageBook(tenants)),
    ...secretRoutes(new SecretBook(tenants, new MasterKeys(masterKeys))),
    ...keyRoutes(new KeyBook(tenants)),
    ...memberRoutes(new MemberBook(tenants)),
    ...auditRoutes(new AuditLog(tenants)),
    ...(operator === undefined ? [] : operatorRoutes(operator, catalogue, tenants)),
  ];
}

function operatorRoutes(parts: OperatorParts, catalogue: Catalogue, context: TenantContext): readonly Route[] {
  const { database, clock, partitions, depth, shards } = parts;
  const { names } = catalogue;
  const tenants = new TenantRegistry(database);
  const commandOf = (author: Author) => new CycleCommand(database, clock, author);
  return [
    ...tenantRoutes(tenants),
    ...tenantQuotaRoutes({ database, tenants, quotas: new QuotaBook(context) }),
    ...pauseRoutes({ pauses: new PauseBook(database), tenants, workers: names, clock }),
    ...limitRoutes({ limits: new LimitBook(database), tenants, workers: names }),
    ...fleetRoutes({ runs: new RunBook(database), workers: names, partitions, depth }),
    ...cycleRoutes({ cycles: new CycleBook(database), tenants, catalogue, clock, commandOf }),
    ...priceRoutes({ prices: new PriceBook(new Shards(new Map([['main', database]]))), shards }),
  ];
}
