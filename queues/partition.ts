import { createHash } from 'node:crypto';

/** The shared partition of a tenant: a stable hash, so that its work always waits in the same one. */
export function partitionOf(tenantId: string, partitions: number): number {
  return createHash('sha256').update(tenantId).digest().readUInt32BE(0) % partitions;
}
