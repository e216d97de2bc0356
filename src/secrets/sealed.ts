import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { canonicalJson } from '../kernel/canonical-json.ts';

/** What a sealed value is bound to: opened in any other place, it does not open. */
export type Place = readonly (string | number)[];

const CIPHER = 'aes-256-gcm';
/** Says how the bytes after it are laid out, so that another layout can follow. */
const LAYOUT = 1;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const HEAD_BYTES = 1 + NONCE_BYTES;

/** `value` under AES-256-GCM with a nonce of its own, bound to `place`: layout, nonce, tag, ciphertext. */
export function seal(key: Buffer, value: Buffer, place: Place): Buffer {
  const nonce = randomBytes(NONCE_BYTES);
  const cipher = createCipheriv(CIPHER, key, nonce, { authTagLength: TAG_BYTES });
  cipher.setAAD(bound(place));
  const ciphertext = Buffer.concat([cipher.update(value), cipher.final()]);
  return Buffer.concat([Buffer.of(LAYOUT), nonce, cipher.getAuthTag(), ciphertext]);
}

/** What `seal` was given; undefined where the key or the place is another, or any bit was changed. */
export function unseal(key: Buffer, sealed: Buffer, place: Place): Buffer | undefined {
  if (sealed.length < HEAD_BYTES + TAG_BYTES || sealed[0] !== LAYOUT) return undefined;
  const decipher = createDecipheriv(CIPHER, key, sealed.subarray(1, HEAD_BYTES), { authTagLength: TAG_BYTES });
  decipher.setAAD(bound(place));
  decipher.setAuthTag(sealed.subarray(HEAD_BYTES, HEAD_BYTES + TAG_BYTES));
  try {
    return Buffer.concat([decipher.update(sealed.subarray(HEAD_BYTES + TAG_BYTES)), decipher.final()]);
  } catch {
    return undefined;
  }
}

/** JSON, so that no two places come to the same bytes. */
function bound(place: Place): Buffer {
  return Buffer.from(canonicalJson(place));
}
