import { createHash, randomUUID } from 'node:crypto';

/**
 * The id of what a request makes. It follows from the idempotency key where there is one, so that what was made by a
 * server that crashed before it could answer is made once all the same.
 */
export function idOfRequest(tenantId: string, what: string, key: string | undefined): string {
  if (key === undefined) return randomUUID();
  const hex = createHash('sha256')
    .update(JSON.stringify([tenantId, what, key]))
    .digest('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-a${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}
