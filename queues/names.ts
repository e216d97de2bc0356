import { isUuid } from '../src/kernel/ids.ts';

/** What a queue name says: whose work waits there. BullMQ allows no `:` in it. */
export type QueueName =
  | { readonly kind: 'shared'; readonly worker: string; readonly partition: number }
  | { readonly kind: 'dedicated'; readonly worker: string; readonly tenantId: string };

const GRAMMAR = /^rae\.([a-z][a-z0-9-]*)\.(?:p(\d{2,3})|t-([0-9a-f-]{36}))$/;

/** `rae.<worker>.p<NN>`: a partition that many tenants share. */
export function sharedQueue(worker: string, partition: number): string {
  return `rae.${worker}.p${String(partition).padStart(2, '0')}`;
}

/** `rae.<worker>.t-<tenant id>`: one tenant's own queue. */
export function dedicatedQueue(worker: string, tenantId: string): string {
  return `rae.${worker}.t-${tenantId}`;
}

/** Reads a queue name; undefined for anything that is not one of ours. */
export function parseQueue(name: string): QueueName | undefined {
  const [, worker, partition, tenantId] = GRAMMAR.exec(name) ?? [];
  if (worker === undefined) return undefined;
  if (partition !== undefined) return { kind: 'shared', worker, partition: Number(partition) };
  return isUuid(tenantId) ? { kind: 'dedicated', worker, tenantId } : undefined;
}

/** The queue's name as BullMQ has it: in braces, so that all its keys lie on one node of a Redis Cluster. */
export function hashTagged(name: string): string {
  return `{${name}}`;
}
