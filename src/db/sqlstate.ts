import { messageOf } from '../kernel/errors.ts';

/** The five-character code of a database error; undefined for anything else. */
export function sqlStateOf(error: unknown): string | undefined {
  if (typeof error !== 'object' || error === null || !('code' in error)) return undefined;
  return typeof error.code === 'string' && /^[0-9A-Z]{5}$/.test(error.code) ? error.code : undefined;
}

/** Lost to a concurrent transaction (serialization, deadlock, lock not available): soon worth another try. */
export function isConflict(error: unknown): boolean {
  return ['40001', '40P01', '55P03'].includes(sqlStateOf(error) ?? '');
}

/** The connection, not the statement, failed: what was sent may or may not have been committed. */
export function isConnectionLoss(error: unknown): boolean {
  const state = sqlStateOf(error);
  if (state !== undefined)
    return state.startsWith('08') || ['57P01', '57P02', '57P03', '57P05', '25P03', '53300'].includes(state);
  return /ECONN|EPIPE|ETIMEDOUT|ENOTFOUND|EAI_AGAIN|ENOENT|Connection terminated|Query read timeout|timeout exceeded when trying to connect|Client has encountered a connection error/.test(
    `${(error as { code?: unknown } | null)?.code ?? ''} ${messageOf(error)}`,
  );
}

/** A quota of the tenant is used up. */
export function isQuota(error: unknown): boolean {
  return sqlStateOf(error) === 'RQ001';
}

/** The setting or the account is wrong (password, role, database): trying again changes nothing. */
export function isAccountRefused(error: unknown): boolean {
  const state = sqlStateOf(error) ?? '';
  return state.startsWith('28') || state === '3D000';
}
