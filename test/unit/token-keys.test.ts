import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { TokenVerifier } from '../../src/access/token-verifier.ts';
import { TestIssuer } from '../support/issuer.ts';

const MINUTE = 60_000;
let issuer: TestIssuer;
let verifier: TokenVerifier;
let begun: number;

beforeEach(async () => {
  begun = Date.now();
  vi.useFakeTimers({ toFake: ['Date'], now: begun });
  issuer = await TestIssuer.start();
  const rules = { issuer: issuer.url, audience: 'rae', secrets: undefined, secretIssuer: 'none' };
  verifier = new TokenVerifier(rules);
});
afterEach(async () => {
  vi.useRealTimers();
  await issuer.stop();
});

/** The clock says that so much has gone by. */
const laterBy = (ms: number) => vi.setSystemTime(begun + ms);
const lasting = (header = {}) => issuer.token({ exp: Math.floor(begun / 1_000) + 7_200 }, header);
const believed = (token: string) =>
  verifier.claims(token).then(
    () => true,
    ({ code }) => code,
  );

describe('the keys of an issuer', () => {
  it('that it adds are believed half a minute later, and those that it drops then no more', async () => {
    const old = await lasting();
    expect(await believed(old)).toBe(true);
    await issuer.rotate('k2', 'ES256');
    const fresh = await lasting();
    laterBy(MINUTE / 2 - 1_000);
    expect([await believed(fresh), await believed(old)]).toEqual(['RAE_UNAUTHENTICATED', true]);
    laterBy(MINUTE / 2 + 1_000);
    expect([await believed(fresh), await believed(old)]).toEqual([true, 'RAE_UNAUTHENTICATED']);
    expect(issuer.asked).toBe(2);
  });

  it('that it drops are believed for ten minutes at most, also when nobody shows another', async () => {
    const old = await lasting();
    expect(await believed(old)).toBe(true);
    await issuer.rotate('k2', 'RS256');
    laterBy(10 * MINUTE - 1_000);
    expect(await believed(old)).toBe(true);
    laterBy(10 * MINUTE + 1_000);
    expect(await believed(old)).toBe('RAE_UNAUTHENTICATED');
    expect(issuer.asked).toBe(2);
  });

  it('are asked for once in half a minute, however many tokens name keys that there are not', async () => {
    const tokens = await Promise.all(Array.from({ length: 100 }, (_, at) => lasting({ kid: `made up ${at}` })));
    const all = () => Promise.all(tokens.map(believed));
    expect(new Set(await all())).toEqual(new Set(['RAE_UNAUTHENTICATED']));
    expect(issuer.asked).toBe(1);
    laterBy(MINUTE);
    await all();
    await all();
    expect(issuer.asked).toBe(2);
  });
});
