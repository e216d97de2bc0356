import { RaeError } from './errors.ts';

const CANONICAL_UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
const NIL_UUID = '00000000-0000-0000-0000-000000000000';

/** True for a lower-case, hyphenated uuid that is not all zeros: the only spelling of an id the fleet accepts. */
export function isUuid(text: unknown): text is string {
  return typeof text === 'string' && CANONICAL_UUID.test(text) && text !== NIL_UUID;
}

/**
 * The tenant id in `text`. The all-zero id is refused: the original system fell back to it when a header was missing,
 * so that it stands for "nobody said which tenant".
 * @throws RaeError `RAE_TENANT_ID_INVALID`, which names what was wrong.
 */
export function parseTenantId(text: unknown): string {
  if (isUuid(text)) return text;
  const shown = typeof text === 'string' ? JSON.stringify(text.slice(0, 60)) : String(text);
  const expected = text === NIL_UUID ? 'the uuid of zeros stands for no tenant' : 'expected a uuid such as 3f2a…-…';
  const meant = typeof text === 'string' ? canonical(text) : '';
  throw new RaeError('RAE_TENANT_ID_INVALID', `${shown} is not a tenant id; ${expected}`, {
    hint: isUuid(meant) ? `did you mean ${meant}?` : 'see the ids with: rae tenant list',
  });
}

/** The spelling that the fleet accepts, of a uuid in another one; of anything else, nothing of use. */
function canonical(text: string): string {
  const digits = text.toLowerCase().replace(/^urn:uuid:|[\s{}-]/g, '');
  return digits.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}
