import { beforeAll, describe, expect, it } from 'vitest';
import { RIGHTS, type Role, TENANT_ROLES } from '../../src/access/role.ts';
import { endpointOf, type Route } from '../../src/http/route.ts';
import { useApi } from '../support/api.ts';
import { type Belongings, belongingsOf, SAMPLES, sampleOf } from '../support/api-samples.ts';
import { useDatabase } from '../support/database.ts';

const database = useDatabase();
const api = useApi(database);
const NOBODYS = '7d1f0c52-88c1-4a55-9a0e-6f6b1d1a2c3e';
const keys = new Map<Role, string>();
let mine: Belongings;
let theirs: Belongings;

beforeAll(async () => {
  const [me, them] = [await api().tenant(), await api().tenant()];
  [mine, theirs] = [await belongingsOf(api(), me), await belongingsOf(api(), them)];
  keys.set('operator', await api().operator());
  for (const role of TENANT_ROLES) {
    const { body } = await api().ask('POST /v1/keys', { key: me.key, body: { name: role, role } });
    keys.set(role, body.api_key);
  }
});

const ROLES = Object.keys(RIGHTS) as Role[];
const may = (role: Role, { permission }: Route) => RIGHTS[role].includes(permission);
const ofTenants = (route: Route) => !may('operator', route);
const asked = (route: Route, role: Role, about: Belongings, headers: Record<string, string> = {}) => {
  const { what, request } = sampleOf(endpointOf(route), about);
  return api().ask(what, { ...request, key: keys.get(role), headers: { ...request.headers, ...headers } });
};
/** What an answer says, whatever it was asked about. */
const plain = (text: string, { run_id, trigger_id, key_id, member_id, message_id }: Belongings) =>
  [run_id, trigger_id, key_id, member_id, message_id]
    .reduce((rest, id) => rest.replaceAll(id, 'ID'), text)
    .replace(/"request_id":"[^"]+"/, '');

it('has a sample for each route, and no other', () => {
  expect(Object.keys(SAMPLES).sort()).toEqual([...api().server.endpoints].sort());
});

describe.each(ROLES)('%s', (role) => {
  it('may call the routes that the table of rights says, and no other', async () => {
    const found: string[] = [];
    for (const route of api().server.routes) {
      const { status, body } = await asked(route, role, mine);
      const refused = status === 403 && body.code === 'RAE_FORBIDDEN';
      if (refused === may(role, route) || status === 401 || status >= 500)
        found.push(`${endpointOf(route)}: ${status}`);
    }
    expect(found).toEqual([]);
  });

  it('sees and changes nothing of another tenant, and learns not even what there is', async () => {
    const found: string[] = [];
    const uuids = { run_id: NOBODYS, trigger_id: NOBODYS, member_id: NOBODYS, message_id: NOBODYS };
    const nobodys = { ...uuids, key_id: '0123456789abcdef', tenant_id: NOBODYS };
    for (const route of api().server.routes.filter(ofTenants)) {
      const named = await asked(route, role, mine, { 'x-tenant-id': theirs.tenant_id });
      if (named.status !== 403) found.push(`${endpointOf(route)} with X-Tenant-ID: ${named.status}`);
      if (!/\{(run_id|trigger_id|key_id|member_id|message_id)\}/.test(route.path)) continue;
      const [there, nowhere] = [await asked(route, role, theirs), await asked(route, role, nobodys)];
      if (there.status !== (may(role, route) ? 404 : 403)) found.push(`${endpointOf(route)}: ${there.status}`);
      if (plain(there.text, theirs) !== plain(nowhere.text, nobodys)) found.push(`${endpointOf(route)} differs`);
    }
    expect(found).toEqual([]);
  });
});

it('nobody gives or takes a role that may more than they themselves', async () => {
  const scopes = ['members:manage', 'keys:manage', 'runs:read'];
  const narrow = await api().ask('POST /v1/keys', {
    key: keys.get('tenant_admin'),
    body: { name: 'narrow', role: 'tenant_admin', scopes },
  });
  const key = narrow.body.api_key as string;
  const email = 'eve@acme.example';
  const member = `/v1/members/${theirs.member_id}`;
  for (const role of ['tenant_admin', 'tenant_user', 'tenant_viewer']) {
    expect(await api().ask('POST /v1/members', { key, body: { email, role } })).toMatchObject({ status: 403 });
    expect(await api().ask('POST /v1/keys', { key, body: { name: 'more', role } })).toMatchObject({ status: 403 });
    expect(await api().ask(`PUT ${member}`, { key, body: { role } })).toMatchObject({ status: 403 });
  }
  expect((await api().ask('GET /v1/members', { key })).status).toBe(200);
  const admin = await api().ask('POST /v1/members', {
    key: keys.get('tenant_admin'),
    body: { email, role: 'tenant_admin' },
  });
  const taken = await api().ask(`DELETE /v1/members/${admin.body.member_id}`, { key });
  expect(taken).toMatchObject({ status: 403, body: { code: 'RAE_FORBIDDEN' } });
  // Nor can the last admin go, whoever asks.
  const last = { key: keys.get('tenant_admin') };
  expect(await api().ask(`DELETE /v1/members/${admin.body.member_id}`, last)).toMatchObject({
    status: 409,
    body: { code: 'RAE_REFUSED' },
  });
});

it('without a credential nothing is served but its description and health', async () => {
  for (const route of api().server.routes) {
    const { what, request } = sampleOf(endpointOf(route), mine);
    expect(await api().ask(what, request)).toMatchObject({ status: 401, body: { code: 'RAE_UNAUTHENTICATED' } });
  }
  for (const what of ['GET /openapi.json', 'GET /healthz', 'GET /readyz'])
    expect((await api().ask(what)).status).toBe(200);
});
