import { createHash } from 'node:crypto';
import { RaeError } from '../kernel/errors.ts';

/** The tenant id that follows from an external id: its primary key then keeps it single. @throws RaeError `RAE_USAGE` */
export function tenantIdOf(externalId: string): string {
  if (externalId.trim() === '' || externalId.length > 255 || /\p{Cc}/u.test(externalId))
    throw new RaeError('RAE_USAGE', 'an external id has 1 to 255 characters and no control characters');
  const hex = createHash('sha256').update(`rae tenant\n${externalId}`).digest('hex');
  // A uuid of version 8: whatever its maker makes of it.
  const variant = '89ab'[Number.parseInt(hex.charAt(16), 16) % 4];
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-${variant}${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}
