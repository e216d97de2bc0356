import { createHmac, randomBytes } from 'node:crypto';
import { SignJWT } from 'jose';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { useApi } from '../support/api.ts';
import { useDatabase } from '../support/database.ts';
import { TestIssuer } from '../support/issuer.ts';

const secret = randomBytes(32);
let issuer: TestIssuer;
beforeAll(async () => {
  issuer = await TestIssuer.start();
});
afterAll(() => issuer.stop());

const database = useDatabase();
const api = useApi(database, () => ({
  issuer: issuer.url,
  audience: 'rae',
  secrets: `own:${secret.toString('base64')}`,
  secretIssuer: 'my-server',
  claims: { tenant: 'tenant_id', role: 'role' },
}));
const asked = async (key: string) => (await api().ask('GET /v1/keys', { key })).status;
const base64 = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');

describe('a token', () => {
  it('lets in with the role that it says, as the member it names, and as an operator', async () => {
    const { id } = await api().tenant();
    const claims = { tenant_id: id };
    expect(await asked(await issuer.token({ ...claims, role: 'tenant_admin' }))).toBe(200);
    expect(await asked(await issuer.token({ ...claims, role: ['tenant_viewer'] }))).toBe(403);
    expect(await asked(await issuer.token({ ...claims, role: 'emperor' }))).toBe(403);
    await database().admin('insert into public.members (tenant_id, email, role) values ($1, $2, $3)', [
      id,
      'a@b.c',
      'tenant_admin',
    ]);
    const member = { ...claims, email: 'a@b.c' };
    expect(await asked(await issuer.token({ ...member, email_verified: true }))).toBe(200);
    expect(await asked(await issuer.token({ ...member, email_verified: false }))).toBe(403);
    const operator = await issuer.token({ role: 'operator' });
    expect((await api().ask('GET /v1/tenants', { key: operator })).status).toBe(200);
    expect(await asked(operator)).toBe(403);
  });

  it('of a server of one’s own is signed with a shared secret', async () => {
    const { id } = await api().tenant();
    const sign = (claims: object, alg = 'HS256', kid = 'own') =>
      new SignJWT({ iss: 'my-server', aud: 'rae', sub: 'x', role: 'tenant_admin', tenant_id: id, ...claims })
        .setProtectedHeader({ alg, kid })
        .setIssuedAt()
        .setExpirationTime('5m')
        .sign(secret);
    expect(await asked(await sign({}))).toBe(200);
    expect(await asked(await sign({ iss: issuer.url }))).toBe(401);
    expect(await asked(await sign({}, 'HS384'))).toBe(401);
    expect(await asked(await sign({}, 'HS256', 'k1'))).toBe(401);
  });

  it('is refused in one way, whatever is wrong with it', async () => {
    const { id } = await api().tenant();
    const now = Math.floor(Date.now() / 1_000);
    const right = { tenant_id: id, role: 'tenant_admin' };
    const token = await issuer.token(right);
    const [head = '', body = '', signature = ''] = token.split('.');
    const unsigned = (alg: string) => `${base64({ alg, kid: 'k1' })}.${body}.`;
    const confused = `${base64({ alg: 'HS256', kid: 'k1' })}.${body}`;
    const stolen = createHmac('sha256', await issuer.publicKey())
      .update(confused)
      .digest('base64url');
    const wrong = [
      ...['none', 'None', 'nOnE', 'NONE'].flatMap((alg) => [unsigned(alg), `${unsigned(alg)}x`]),
      `${confused}.${stolen}`,
      ...['nobody', '../../dev/null', "' or 1=1", 'https://evil.example/keys'].map(
        (kid) => `${base64({ alg: 'RS256', kid })}.${body}.${signature}`,
      ),
      await issuer.token(right, { jku: 'https://evil.example/keys' }),
      await issuer.token(right, { x5u: 'https://evil.example/x' }),
      await issuer.token({ ...right, exp: now - 60 }),
      await issuer.token({ ...right, nbf: now + 600 }),
      await issuer.token({ ...right, iat: now + 600 }),
      await issuer.token({ ...right, exp: undefined as never }),
      await issuer.token({ ...right, exp: String(now + 300) as never }),
      await issuer.token({ ...right, aud: 'other' }),
      await issuer.token({ ...right, iss: 'https://evil.example' }),
      await issuer.token({ ...right, typ: 'ID' }),
      await issuer.token({ ...right, token_use: 'refresh' }),
      await issuer.token({ ...right, tenant_id: undefined }),
      await issuer.token({ ...right, tenant_id: '7d1f0c52-88c1-4a55-9a0e-6f6b1d1a2c3e' }),
      `${head}.${body}`,
      `${token}.x`,
      `${head}.${body}.${signature}=`,
      `${head}.${body}.${signature.slice(0, -4)}AAAA`,
      `${head}.${body}.${'A'.repeat(16_000)}`,
    ];
    const answers = await Promise.all(wrong.map((key) => api().ask('GET /v1/keys', { key })));
    expect(answers.map(({ status }) => status)).toEqual(wrong.map(() => 401));
    const told = answers
      .filter(({ body: { detail } }) => !detail.includes('no credential'))
      .map(({ body: { request_id: _id, ...rest } }) => JSON.stringify(rest));
    expect(new Set(told).size).toBe(1);
    expect(await asked(token)).toBe(200);
  });

  it('costs the issuer one request for its keys, not one for each', async () => {
    const { id } = await api().tenant();
    const right = { tenant_id: id, role: 'tenant_admin' };
    const asks = issuer.asked;
    for (let n = 0; n < 5; n += 1) expect(await asked(await issuer.token(right))).toBe(200);
    expect(issuer.asked).toBe(asks);
  });
});
