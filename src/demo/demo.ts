import pLimit from 'p-limit';
import type { Database } from '../db/database.ts';
import { loadStatements } from '../db/statement.ts';
import type { TenantContext } from '../db/tenant-context.ts';
import type { Clock } from '../kernel/clock.ts';
import { RaeError } from '../kernel/errors.ts';
import type { PolicyBook } from '../tenant/policy-book.ts';
import { demoMemory } from './memory.ts';
import { seededId } from './seed.ts';
import { additions } from './share.ts';
import { type DemoTenant, demoTenant } from './tenant.ts';

const sql = loadStatements(new URL('./demo.sql', import.meta.url), [
  'made',
  'addTenants',
  'addProjects',
  'liftQuotas',
  'finish',
  'addMemories',
  'addTraces',
]);

const MOST_TENANTS = 1_000_000;
const MOST_MEMORIES = 100_000_000;
/** Tenants of the demo with more memories than this need a larger quota than the smallest plan's. */
const WITHIN_QUOTA = 10_000;
const TENANTS_AT_ONCE = 500;
const MEMORIES_AT_ONCE = 2_000;
/** Transactions under way; more would only queue for the few cores of a demo's machine. */
const WRITERS = 4;

/** What a demo is made with. */
export interface DemoPorts {
  /** As `rae_operator`. */
  readonly registry: Database;
  /** As `rae_api`. */
  readonly tenants: TenantContext;
  readonly policies: PolicyBook;
  /** The workers whose schedule some tenants have changed. */
  readonly scheduled: readonly string[];
  readonly clock: Clock;
}

/** How large the demo is to be, in all, not for each tenant. */
export interface DemoRequest {
  readonly tenants: number;
  readonly memories: number;
  /** Told after every few hundred tenants. */
  readonly onProgress?: (made: DemoReport) => void;
}

/** What a call made, and what there is now. */
export interface DemoReport {
  readonly tenants: { readonly made: number; readonly total: number };
  readonly memories: { readonly made: number; readonly total: number };
}

/** A tenant and which of its memories, from number `from` on, are still to be made. */
interface Growth {
  readonly tenant: DemoTenant;
  readonly isNew: boolean;
  readonly from: number;
  readonly count: number;
}

/**
 * Makes the tenants of the demo with their memories, as many as asked for in all. Safe to repeat: a demo of this size
 * that is there already is left as it is, a smaller one grows, a larger one stays; one whose making was cut off is
 * finished. What has happened to its tenants since stays too: nothing is made a second time.
 * @throws RaeError `RAE_USAGE` for sizes out of bounds.
 */
export async function makeDemo(ports: DemoPorts, request: DemoRequest): Promise<DemoReport> {
  bounded('tenants', request.tenants, 1, MOST_TENANTS);
  bounded('memories', request.memories, 0, MOST_MEMORIES);
  const now = ports.clock.now();
  const rows = await ports.registry.rows<{ tenant_id: string; memories: number | null }>(sql.made);
  const there = new Map(rows.map((row) => [row.tenant_id, row.memories]));
  const ids = Array.from({ length: request.tenants }, (_, index) => seededId('tenant', index));
  const counts = ids.map((id) => there.get(id) ?? 0);
  const before = rows.reduce((sum, row) => sum + (row.memories ?? 0), 0);
  const elsewhere = before - counts.reduce((sum, count) => sum + count, 0);
  const adding = additions(counts, elsewhere, request.memories);

  const report = { tenants: { made: 0, total: there.size }, memories: { made: 0, total: before } };
  for (let start = 0; start < ids.length; start += TENANTS_AT_ONCE) {
    const growing: Growth[] = [];
    for (let index = start; index < Math.min(start + TENANTS_AT_ONCE, ids.length); index += 1) {
      const isNew = (there.get(ids[index] ?? '') ?? null) === null;
      const count = adding[index] ?? 0;
      if (isNew || count > 0) growing.push({ tenant: demoTenant(index, now), isNew, from: counts[index] ?? 0, count });
    }
    if (growing.length === 0) continue;
    const made = await addTenants(ports, growing);
    const large = growing.filter(({ from, count }) => from + count > WITHIN_QUOTA);
    await ports.registry.rows(sql.liftQuotas, [large.map(({ tenant }) => tenant.tenantId)]);
    await addMemories(ports, growing, now);
    const finished = growing.map(({ from, count }) => from + count);
    await ports.registry.rows(sql.finish, [growing.map(({ tenant }) => tenant.tenantId), finished]);
    const added = growing.reduce((sum, { count }) => sum + count, 0);
    report.tenants = { made: report.tenants.made + made, total: report.tenants.total + made };
    report.memories = { made: report.memories.made + added, total: report.memories.total + added };
    request.onProgress?.({ ...report });
  }
  return report;
}

/** Adds the new ones with their projects and schedules. @returns how many were not there. */
async function addTenants({ registry, policies, scheduled }: DemoPorts, growing: readonly Growth[]): Promise<number> {
  const fresh = growing.filter(({ isNew }) => isNew).map(({ tenant }) => tenant);
  const rows = fresh.map((tenant) => ({
    tenant_id: tenant.tenantId,
    name: tenant.name,
    plan: tenant.plan,
    status: tenant.status,
    email: tenant.contactEmail,
    created_at: tenant.createdAt,
    number: tenant.index,
  }));
  const added = await registry.rows(sql.addTenants, [JSON.stringify(rows)]);
  const projects = fresh.flatMap(({ tenantId, index, projects: names }) =>
    names.map((name) => ({ tenant_id: tenantId, project_id: seededId('project', index, name), name })),
  );
  await registry.rows(sql.addProjects, [JSON.stringify(projects)]);
  const limit = pLimit(WRITERS);
  const choices = fresh.flatMap((tenant) => scheduled.map((worker) => ({ tenant, worker })));
  await Promise.all(
    choices.map(({ tenant: { tenantId, schedule }, worker }) =>
      limit(async () => {
        if (schedule === undefined || (await policies.get(tenantId, worker)).version > 0) return;
        await policies.set(tenantId, worker, schedule);
      }),
    ),
  );
  return added.length;
}

async function addMemories({ tenants }: DemoPorts, growing: readonly Growth[], now: Date): Promise<void> {
  const limit = pLimit(WRITERS);
  const add = async ({ tenant, from, count }: Growth) => {
    for (let done = 0; done < count; done += MEMORIES_AT_ONCE) {
      const length = Math.min(MEMORIES_AT_ONCE, count - done);
      const memories = Array.from({ length }, (_, index) => demoMemory(tenant, from + done + index));
      const values = [tenant.tenantId, JSON.stringify(memories), now];
      await tenants.inTenant(tenant.tenantId, async (tx) => {
        await tx.rows(sql.addMemories, values);
        await tx.rows(sql.addTraces, values);
      });
    }
  };
  await Promise.all(growing.filter(({ count }) => count > 0).map((growth) => limit(add, growth)));
}

function bounded(what: string, value: number, from: number, to: number): void {
  if (Number.isInteger(value) && value >= from && value <= to) return;
  throw new RaeError('RAE_USAGE', `the number of ${what} is ${value}; expected a whole number from ${from} to ${to}`);
}
