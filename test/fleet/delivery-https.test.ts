import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createSecureContext, type TLSSocket } from 'node:tls';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { statement } from '../../src/db/statement.ts';
import { certificateFor } from '../support/certificate.ts';
import { useDatabase } from '../support/database.ts';
import { eventually } from '../support/eventually.ts';
import { ready, TestFleet } from '../support/fleet.ts';
import { useProcesses } from '../support/processes.ts';
import { useRedis } from '../support/redis.ts';
import { addTenant } from '../support/tenants.ts';

const database = useDatabase();
const redisUrl = useRedis();
useProcesses();
const folder = mkdtempSync(join(tmpdir(), 'rae-https-'));
const byName = certificateFor('localhost');
const byAddress = certificateFor('127.0.0.1');
const seen: { readonly url: string; readonly named: string | false; readonly host: string }[] = [];
let known: Server;
let stranger: Server;

/** Shows `byName` to whoever asks for localhost, and to all others the certificate of the address. */
function receiver(): Server {
  const named = createSecureContext(byName);
  return createServer({
    ...byAddress,
    SNICallback: (name, done) => done(null, name === 'localhost' ? named : undefined),
  });
}

beforeAll(async () => {
  writeFileSync(join(folder, 'ca.pem'), `${byName.cert}${byAddress.cert}`);
  known = receiver();
  stranger = createServer({ ...certificateFor('localhost') });
  for (const server of [known, stranger]) {
    server.on('request', (request, response) => {
      const named = (request.socket as TLSSocket & { servername: string | false }).servername;
      seen.push({ url: request.url ?? '', named, host: request.headers.host ?? '' });
      response.end();
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  }
});

afterAll(() => {
  for (const server of [known, stranger]) {
    server.closeAllConnections();
    server.close();
  }
  rmSync(folder, { recursive: true, force: true });
});

const send = statement('send', "select public.rae_send_message($1, 'rule.fired') as id");
const portOf = (server: Server) => (server.address() as AddressInfo).port;

/** Sends a message and gives its state and why, once it was tried. */
async function tried(
  tenantId: string,
  url: string,
): Promise<{ readonly state: string; readonly last_error: string | null }> {
  const [row] = await database()
    .tenants('rae_api')
    .inTenant(tenantId, (tx) => tx.rows<{ id: string }>(send, [JSON.stringify({ type: 'webhook', url })]));
  return await eventually(
    async () => {
      const [message] = await database().admin<{ state: string; last_error: string | null }>(
        'select state, last_error from public.messages where message_id = $1 and (last_error is not null or state = $2)',
        [row?.id, 'delivered'],
      );
      return message;
    },
    { what: `a message to ${url} to be tried`, withinMs: 30_000 },
  );
}

describe('a webhook by https', () => {
  it('goes to who proves by its certificate to be the host of the URL, by a name and by an address, and to nobody else', async () => {
    const fleet = new TestFleet({
      database: database(),
      redisUrl: redisUrl(),
      env: { RAE_WEBHOOK_ALLOW: 'localhost,127.0.0.1,::1', NODE_EXTRA_CA_CERTS: join(folder, 'ca.pem') },
    });
    await ready(fleet.scheduler(), fleet.worker(['delivery']));
    const tenantId = await addTenant(database());
    const port = portOf(known);
    expect(await tried(tenantId, `https://localhost:${port}/by-name`)).toMatchObject({ state: 'delivered' });
    expect(await tried(tenantId, `https://127.0.0.1:${port}/by-address`)).toMatchObject({ state: 'delivered' });
    const refused = await tried(tenantId, `https://localhost:${portOf(stranger)}/nobody-we-know`);
    expect(refused.state).not.toBe('delivered');
    expect(refused.last_error).toMatch(/^no secure connection could be made \(\w+\)$/);
    expect(seen).toEqual([
      { url: '/by-name', named: 'localhost', host: `localhost:${port}` },
      { url: '/by-address', named: false, host: `127.0.0.1:${port}` },
    ]);
  });
});
