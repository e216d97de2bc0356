import { type Author, OPERATOR } from '../audit/log.ts';
import { RaeError } from '../kernel/errors.ts';
import type { Call } from './call.ts';

/** Who decided something, as `--owner` says. @throws RaeError `RAE_USAGE` over the API: there it is whose key it is */
export function decider({ remote }: Call, owner: string): Author {
  if (remote !== undefined && owner !== OPERATOR.actor)
    throw new RaeError('RAE_USAGE', '--owner is not for the API: there the one whose key it is decided');
  return { actor: owner };
}
