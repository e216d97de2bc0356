import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import { isUuid } from '../kernel/ids.ts';

/** An API key in its parts; the whole of it is shown once and kept nowhere. */
export interface ApiKey {
  readonly tenantId: string;
  readonly keyId: string;
  /** What the holder of the key sends. */
  readonly text: string;
}

const SHAPE = /^rae_([0-9a-f]{32})_([0-9a-f]{16})_[A-Za-z0-9_-]{43}$/;

/** A new key with 256 random bits. It names its tenant, so that it is looked for inside that tenant alone. */
export function mintKey(tenantId: string): ApiKey {
  const keyId = randomBytes(8).toString('hex');
  const secret = randomBytes(32).toString('base64url');
  return { tenantId, keyId, text: `rae_${tenantId.replaceAll('-', '')}_${keyId}_${secret}` };
}

/** The parts of a key as it was sent; undefined for anything else. */
export function readKey(text: string): ApiKey | undefined {
  const [, tenant = '', keyId = ''] = SHAPE.exec(text) ?? [];
  const tenantId = tenant.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
  return isUuid(tenantId) ? { tenantId, keyId, text } : undefined;
}

/** What is kept of a key. A fast hash is right here: nobody guesses 256 bits. */
export function digestOf(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}

/** Takes as long for a wrong key as for one that is not there: then `kept` is undefined and it is compared all the same. */
export function matches(text: string, kept: Buffer | undefined): boolean {
  const digest = digestOf(text);
  const same = timingSafeEqual(digest, kept ?? Buffer.alloc(digest.length));
  return same && kept !== undefined;
}
