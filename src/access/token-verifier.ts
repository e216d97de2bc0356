import { createRemoteJWKSet, customFetch, decodeProtectedHeader, type JWTPayload, jwtVerify } from 'jose';
import { z } from 'zod';
import { MINUTE } from '../kernel/duration.ts';
import { RaeError } from '../kernel/errors.ts';
import { readKeyList } from '../kernel/key-list.ts';
import { unknownCredential } from './unknown-credential.ts';

/** Which tokens are believed. */
export interface TokenRules {
  /** The issuer as tokens name it; its keys are found by OIDC discovery. Undefined = none is asked. */
  readonly issuer: string | undefined;
  /** Whom tokens must be for. */
  readonly audience: string;
  /** Shared secrets with their ids, for tokens that a server of one's own signs; undefined = none. */
  readonly secrets: string | undefined;
  /** The issuer as tokens name it that are signed with a shared secret. */
  readonly secretIssuer: string;
}

type Keys = ReturnType<typeof createRemoteJWKSet>;

/** Of public keys only: none that a shared secret could be taken for. */
const PUBLIC_ALGORITHMS = ['RS256', 'PS256', 'ES256', 'ES384', 'EdDSA'];
const LONGEST_LIFE = '24h';
const CLOCKS_DIFFER_SECONDS = 30;
const ANSWERS_WITHIN_MS = 5_000;
/** A key that the issuer takes away is believed for so long at most; one that it adds, after so long at most. */
const KEYS_KEPT_MS = 10 * MINUTE;
const KEYS_ASKED_EVERY_MS = MINUTE / 2;
const MOST_CHARACTERS = 8_192;
/** Headers by which a token would bring its own key along, or ask for what is not known here. */
const FOREIGN = ['jku', 'jwk', 'x5u', 'x5c', 'crit'];
/** What tokens call themselves that are for signing in or for asking for tokens. */
const OTHER_KINDS = ['ID', 'id', 'Refresh', 'refresh', 'Offline'];
const DISCOVERY = z.object({ issuer: z.string(), jwks_uri: z.url() });

/** Proves tokens: signature, algorithm, issuer, audience, times. */
export class TokenVerifier {
  readonly #rules: TokenRules;
  readonly #secrets: ReadonlyMap<string, Uint8Array>;
  #keys: Promise<Keys> | undefined;

  constructor(rules: TokenRules) {
    this.#rules = rules;
    const secrets = rules.secrets === undefined ? [] : readKeyList(rules.secrets);
    this.#secrets = new Map(secrets.map(({ id, base64 }) => [id, Buffer.from(base64, 'base64')] as const));
  }

  /**
   * What a token says, once it is proven.
   * @throws RaeError `RAE_UNAUTHENTICATED`, the same whatever is wrong with it; `RAE_ISSUER_UNREACHABLE` where nobody can say.
   */
  async claims(token: string): Promise<JWTPayload> {
    if (token.length > MOST_CHARACTERS || !/^[\w-]+\.[\w-]+\.[\w-]+$/.test(token)) throw unknownCredential();
    try {
      const header = decodeProtectedHeader(token);
      if (FOREIGN.some((name) => name in header)) throw unknownCredential();
      const payload = await this.#proven(token, header.kid);
      const kinds = [payload.typ, payload.token_use];
      if (kinds.some((kind) => OTHER_KINDS.includes(String(kind)))) throw unknownCredential();
      return payload;
    } catch (error) {
      if (error instanceof RaeError) throw error;
      throw unknownCredential();
    }
  }

  /** The algorithm follows from the key, never from the token. */
  async #proven(token: string, kid: string | undefined): Promise<JWTPayload> {
    const { issuer, audience, secretIssuer } = this.#rules;
    const times = { clockTolerance: CLOCKS_DIFFER_SECONDS, maxTokenAge: LONGEST_LIFE };
    const expected = { ...times, audience, requiredClaims: ['exp', 'iat', 'aud', 'iss', 'sub'] };
    const secret = kid === undefined ? undefined : this.#secrets.get(kid);
    if (secret !== undefined)
      return (await jwtVerify(token, secret, { ...expected, algorithms: ['HS256'], issuer: secretIssuer })).payload;
    if (issuer === undefined) throw unknownCredential();
    const keys = await this.#issuerKeys(issuer);
    return (await jwtVerify(token, keys, { ...expected, algorithms: PUBLIC_ALGORITHMS, issuer })).payload;
  }

  async #issuerKeys(issuer: string): Promise<Keys> {
    this.#keys ??= discovered(issuer).catch((error: unknown) => {
      // Asked again by the next token.
      this.#keys = undefined;
      throw error instanceof RaeError ? error : away(error);
    });
    return this.#keys;
  }
}

/** The keys of an issuer: kept for ten minutes, and looked for again, at most every half minute, when a key is new. */
async function discovered(issuer: string): Promise<Keys> {
  const answer = await asked(`${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`);
  const found = DISCOVERY.parse(await answer.json());
  if (found.issuer !== issuer) throw new TypeError('the issuer calls itself otherwise');
  return createRemoteJWKSet(new URL(found.jwks_uri), {
    timeoutDuration: ANSWERS_WITHIN_MS,
    cacheMaxAge: KEYS_KEPT_MS,
    cooldownDuration: KEYS_ASKED_EVERY_MS,
    [customFetch]: (url) => asked(url),
  });
}

/** @throws RaeError `RAE_ISSUER_UNREACHABLE` */
async function asked(url: string): Promise<Response> {
  try {
    const answer = await fetch(url, { redirect: 'error', signal: AbortSignal.timeout(ANSWERS_WITHIN_MS) });
    if (answer.ok) return answer;
    throw new TypeError(`it answers ${answer.status}`);
  } catch (error) {
    throw away(error);
  }
}

function away(cause: unknown): RaeError {
  return new RaeError('RAE_ISSUER_UNREACHABLE', 'the issuer of tokens cannot be asked', { cause });
}
