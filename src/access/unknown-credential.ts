import { RaeError } from '../kernel/errors.ts';

/** The one answer to every credential that does not work, whatever is wrong with it. */
export function unknownCredential(): RaeError {
  return new RaeError('RAE_UNAUTHENTICATED', 'the credential is not known, has expired or was revoked', {
    hint: 'send a valid API key: Authorization: Bearer rae_…',
  });
}
