import { hkdfSync, randomBytes } from 'node:crypto';
import { RaeError } from '../kernel/errors.ts';
import { readKeyList } from '../kernel/key-list.ts';
import { seal, unseal } from './sealed.ts';

/** A tenant's data key as the database keeps it. */
export interface WrappedKey {
  /** The id of the master key that it is wrapped by. */
  readonly masterKey: string;
  readonly wrapped: Buffer;
}

const KEY_BYTES = 32;

/**
 * The keys that wrap the tenants' data keys, newest first: the newest wraps, all unwrap, so that they can be changed
 * while what the older ones wrapped is still there. They are in no database.
 */
export class MasterKeys {
  readonly #keys: ReadonlyMap<string, Buffer>;

  /** @param list `id:base64` keys without a fault; undefined = there are none, and nothing can be sealed or opened. */
  constructor(list: string | undefined) {
    const derived = (base64: string) =>
      Buffer.from(hkdfSync('sha256', Buffer.from(base64, 'base64'), '', 'rae master key', KEY_BYTES));
    this.#keys = new Map((list === undefined ? [] : readKeyList(list)).map(({ id, base64 }) => [id, derived(base64)]));
  }

  /** The id of the key that wraps. @throws RaeError `RAE_REFUSED` where there is no key. */
  get newest(): string {
    const [id] = this.#keys.keys();
    if (id !== undefined) return id;
    throw new RaeError('RAE_REFUSED', 'no master key is given, so that no secret can be sealed or opened', {
      hint: 'set RAE_MASTER_KEYS=k1:… with 32 random bytes, as from: openssl rand -base64 32',
    });
  }

  /** A new data key of a tenant, wrapped. */
  make(tenantId: string): WrappedKey {
    return this.wrap(tenantId, randomBytes(KEY_BYTES));
  }

  /** A tenant's data key under the newest master key. */
  wrap(tenantId: string, dataKey: Buffer): WrappedKey {
    const masterKey = this.newest;
    return { masterKey, wrapped: seal(this.#key(masterKey), dataKey, place(tenantId, masterKey)) };
  }

  /** @throws RaeError `RAE_SECRET_UNREADABLE` where its master key is not given or not the one that wrapped it. */
  unwrap(tenantId: string, { masterKey, wrapped }: WrappedKey): Buffer {
    const dataKey = unseal(this.#key(masterKey), wrapped, place(tenantId, masterKey));
    if (dataKey !== undefined) return dataKey;
    throw new RaeError(
      'RAE_SECRET_UNREADABLE',
      `the data key of the tenant ${tenantId} does not open with the master key ${masterKey}: that is another key than the one it was wrapped with, or the row was changed or belongs to another tenant`,
      { hint: `give the ${masterKey} that it was wrapped with in RAE_MASTER_KEYS` },
    );
  }

  #key(id: string): Buffer {
    const key = this.#keys.get(id);
    if (key !== undefined) return key;
    const given = [...this.#keys.keys()].join(', ');
    throw new RaeError(
      'RAE_SECRET_UNREADABLE',
      `secrets are sealed under the master key ${id}, and RAE_MASTER_KEYS holds ${given || 'none'}`,
      { hint: `add ${id} to RAE_MASTER_KEYS; it may leave once rae secret rotate --master has run with a newer one` },
    );
  }
}

function place(tenantId: string, masterKey: string): readonly string[] {
  return ['rae data key', tenantId, masterKey];
}
