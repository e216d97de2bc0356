import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { exportJWK, generateKeyPair, type JWTPayload, SignJWT } from 'jose';

interface Key {
  readonly kid: string;
  readonly alg: string;
  readonly pair: Awaited<ReturnType<typeof generateKeyPair>>;
}

/** A real OIDC issuer on this machine: discovery, keys that can be changed, tokens. */
export class TestIssuer {
  readonly #server: Server;
  #keys: readonly Key[] = [];
  /** How often its keys were asked for. */
  asked = 0;

  private constructor() {
    this.#server = createServer(async (request, response) => {
      const keys = await Promise.all(
        this.#keys.map(async ({ kid, alg, pair }) => ({ ...(await exportJWK(pair.publicKey)), kid, alg, use: 'sig' })),
      );
      if (request.url === '/keys') this.asked += 1;
      const found = { issuer: this.url, jwks_uri: `${this.url}/keys` };
      response.setHeader('content-type', 'application/json');
      response.end(JSON.stringify(request.url === '/keys' ? { keys } : found));
    });
  }

  static async start(): Promise<TestIssuer> {
    const issuer = new TestIssuer();
    await new Promise<void>((resolve) => issuer.#server.listen(0, '127.0.0.1', resolve));
    await issuer.rotate('k1', 'RS256');
    return issuer;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** From now on it signs with a new key, and knows no other. */
  async rotate(kid: string, alg: 'RS256' | 'ES256'): Promise<void> {
    this.#keys = [{ kid, alg, pair: await generateKeyPair(alg, { extractable: true }) }];
  }

  /** The public key, as somebody would misuse it as a secret. */
  async publicKey(): Promise<string> {
    return JSON.stringify(await exportJWK((this.#keys[0] as Key).pair.publicKey));
  }

  /** A token that is right but for what is said. */
  async token(claims: JWTPayload, header: Readonly<Record<string, unknown>> = {}): Promise<string> {
    const { kid, alg, pair } = this.#keys[0] as Key;
    const now = Math.floor(Date.now() / 1_000);
    const all = { iss: this.url, aud: 'rae', sub: 'ada', iat: now, exp: now + 300, ...claims };
    return new SignJWT(all).setProtectedHeader({ alg, kid, ...header }).sign(pair.privateKey);
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}
