import { createHmac, createSecretKey, type KeyObject, timingSafeEqual } from 'node:crypto';
import { RaeError } from './errors.ts';
import type { NamedKey } from './key-list.ts';

/**
 * Keys that sign and verify, newest first: the newest signs, all verify, so that keys can be changed while what the
 * older ones signed is still under way.
 */
export class Keyring {
  readonly #keys: ReadonlyMap<string, KeyObject>;

  constructor(keys: readonly NamedKey[]) {
    this.#keys = new Map(keys.map(({ id, base64 }) => [id, createSecretKey(base64, 'base64')]));
  }

  /** Ids of the keys, newest first. */
  get ids(): readonly string[] {
    return [...this.#keys.keys()];
  }

  /** The id of the key that signs. @throws RaeError `RAE_INTERNAL` where there is no key. */
  get newest(): string {
    const [id] = this.#keys.keys();
    if (id === undefined) throw new RaeError('RAE_INTERNAL', 'there is no key to sign with');
    return id;
  }

  has(id: string): boolean {
    return this.#keys.has(id);
  }

  /** HMAC-SHA256 of `text` under the key `id`: 43 characters of base64url. @throws RaeError `RAE_INTERNAL` without it. */
  mac(id: string, text: string): string {
    const key = this.#keys.get(id);
    if (key === undefined) throw new RaeError('RAE_INTERNAL', 'there is no key of that id');
    return createHmac('sha256', key).update(text).digest('base64url');
  }

  /** Whether `mac` is the one of `text`, spelled as this spells it; takes the same time wherever they differ. */
  verifies(id: string, text: string, mac: string): boolean {
    const expected = Buffer.from(this.mac(id, text));
    const given = Buffer.from(mac);
    return given.length === expected.length && timingSafeEqual(given, expected);
  }
}
