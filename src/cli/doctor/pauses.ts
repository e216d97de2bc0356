import { EVERY, EVERY_TENANT } from '../../ledger/pause.ts';
import { PauseBook } from '../../ledger/pause-book.ts';
import { clean } from '../cell.ts';
import type { Connection } from '../connection.ts';
import { type Finding, ok, warn } from './finding.ts';

/** Is anything paused? What nobody remembers to have paused waits for ever. Nothing where the login may not read it. */
export async function checkPauses(connection: Connection): Promise<readonly Finding[]> {
  const pauses = await (async () => new PauseBook(connection.as('rae_operator')).list())().catch(() => undefined);
  if (pauses === undefined) return [];
  if (pauses.length === 0) return [ok('pauses', 'nothing is paused')];
  return pauses.map(({ tenant_id: tenant, worker, queue, owner, reason, created_at: since, expires_at: until }) => {
    const scope = [
      queue === EVERY ? '' : `queue ${queue}`,
      tenant === EVERY_TENANT ? '' : `tenant ${tenant}`,
      worker === EVERY || queue !== EVERY ? '' : `worker ${worker}`,
    ].filter((part) => part !== '');
    const end = until === null ? 'until somebody lifts it' : `until ${until.toISOString()}`;
    const found = `${scope.join(', ')}: paused by ${clean(owner)} since ${since.toISOString()} ${end}: ${clean(reason)}`;
    return warn('pauses', found, 'when it should go on: rae queue resume');
  });
}
