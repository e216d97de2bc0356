import type { SecretBook, SecretVersion } from '../secrets/secret-book.ts';
import type { MessageBook, MessagePage, OutgoingMessage } from '../tenant/message-book.ts';
import { queryOf, type Remote } from './remote.ts';

/** What commands do with outgoing messages, wherever those are. */
export type Messages = Pick<MessageBook, 'list' | 'retry' | 'retryDead'>;

/** The outgoing messages of a tenant, over the API. */
export class RemoteMessages implements Messages {
  readonly #remote: Remote;

  constructor(remote: Remote) {
    this.#remote = remote;
  }

  async list(_tenantId: string, { state, before, limit }: MessagePage): Promise<readonly OutgoingMessage[]> {
    const path = `/v1/messages${queryOf({ state, before: before?.toISOString() })}`;
    return this.#remote.all<OutgoingMessage>(path, 'messages', limit);
  }

  async retry(_tenantId: string, messageId: string): Promise<void> {
    await this.#remote.ask({ method: 'POST', path: `/v1/messages/${messageId}:retry` });
  }

  async retryDead(): Promise<number> {
    type Told = { readonly retried: number };
    return (await this.#remote.ask<Told>({ method: 'POST', path: '/v1/messages:retry' })).retried;
  }
}

/** What commands do with secrets, wherever those are. */
export type Secrets = Pick<SecretBook, 'list' | 'set' | 'rotate'>;

/** The secrets of a tenant, over the API. */
export class RemoteSecrets implements Secrets {
  readonly #remote: Remote;

  constructor(remote: Remote) {
    this.#remote = remote;
  }

  async list(): Promise<readonly SecretVersion[]> {
    return this.#remote.all<SecretVersion>('/v1/secrets', 'secrets');
  }

  async set(_tenantId: string, name: string, value: string): Promise<SecretVersion> {
    return this.#put(name, { value }, {});
  }

  async rotate(_tenantId: string, name: string, value: string, keepSeconds: number): Promise<SecretVersion> {
    return this.#put(name, { value, keep_seconds: keepSeconds }, { 'if-match': '*' });
  }

  async #put(name: string, body: object, headers: Readonly<Record<string, string>>): Promise<SecretVersion> {
    const path = `/v1/secrets/${encodeURIComponent(name)}`;
    return this.#remote.ask<SecretVersion>({ method: 'PUT', path, body, headers });
  }
}
