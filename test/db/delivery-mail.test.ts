import { beforeEach, describe, expect, it } from 'vitest';
import { useDatabase } from '../support/database.ts';
import { deliver, letTimePass, readMessage, sendMessage } from '../support/delivering.ts';
import { useMailbox } from '../support/mailbox.ts';
import { addTenant } from '../support/tenants.ts';

const database = useDatabase();
const mailbox = useMailbox();
let tenant = '';

beforeEach(async () => {
  tenant = await addTenant(database());
  mailbox().mails.length = 0;
  mailbox().refuses.clear();
});

const email = (to: readonly string[] = ['ops@acme.example'], more = {}) => ({ type: 'email', to, ...more });
const budget = { threshold: 0.8, spend_usd: '400.000000', limit_usd: '500.000000' };

describe('an e-mail', () => {
  it('arrives as a text that a person can read, with an id that tells a repeat', async () => {
    const id = await sendMessage(database(), tenant, email(), budget, 'budget.threshold');
    expect(await deliver(database(), tenant, { mailUrl: mailbox().url() })).toMatchObject({ counts: { delivered: 1 } });
    const [mail] = mailbox().mails;
    expect(mail).toMatchObject({ from: 'alerts@rae.example', to: ['ops@acme.example'] });
    expect(mail?.text).toContain('Subject: The budget has reached 80 %');
    expect(mail?.text).toContain('Spent: $400.00 of $500.00.');
    expect(mail?.text).toContain(`Message-ID: <${id}@rae.example>`);
    expect(mail?.text.toLowerCase()).toContain(`x-rae-message-id: ${id}`);
    expect(await readMessage(database(), id)).toMatchObject({ state: 'delivered', last_error: null });
  });

  it('goes to all that it is for, under the subject that was asked for, by a server that wants a password', async () => {
    await sendMessage(database(), tenant, email(['a@acme.example', 'b@acme.example'], { subject: 'Grüße aus RAE' }));
    await deliver(database(), tenant, { mailUrl: mailbox().url('rae:p%40ss@') });
    expect(mailbox().mails[0]?.to).toEqual(['a@acme.example', 'b@acme.example']);
    expect(mailbox().mails[0]?.text).toMatch(/Subject: =\?UTF-8\?/);
  });

  it('cannot be given further recipients or headers by what stands in it', async () => {
    const data = { rule_name: 'x\r\nBcc: evil@example.com', message: '.\r\nRCPT TO:<evil@example.com>' };
    await sendMessage(database(), tenant, email(['ops@acme.example']), data);
    await deliver(database(), tenant, { mailUrl: mailbox().url() });
    expect(mailbox().mails.map(({ to }) => to)).toEqual([['ops@acme.example']]);
    expect(mailbox().mails[0]?.text).not.toMatch(/^Bcc:/im);
  });

  it('is tried again where the server cannot take it now, and a few times where it will not', async () => {
    mailbox().refuses.set('later@acme.example', 450).set('never@acme.example', 550);
    const later = await sendMessage(database(), tenant, email(['later@acme.example']));
    const never = await sendMessage(database(), tenant, email(['never@acme.example']));
    for (let tried = 0; tried < 5; tried += 1) {
      await deliver(database(), tenant, { mailUrl: mailbox().url() });
      await letTimePass(database(), tenant);
    }
    expect(await readMessage(database(), later)).toMatchObject({
      state: 'pending',
      last_error: 'the mail server answered 450',
    });
    expect(await readMessage(database(), never)).toMatchObject({
      state: 'dead',
      reason: 'refused',
      last_error: 'the mail server answered 550, 5 times',
    });
  });

  it('says so when some of its addresses were refused', async () => {
    mailbox().refuses.set('never@acme.example', 550);
    const id = await sendMessage(database(), tenant, email(['never@acme.example', 'ops@acme.example']));
    await deliver(database(), tenant, { mailUrl: mailbox().url() });
    expect(await readMessage(database(), id)).toMatchObject({
      state: 'delivered',
      last_error: 'the mail server refused 1 of 2 addresses',
    });
  });

  it('waits while the server is away or does not know the password, and names neither', async () => {
    const id = await sendMessage(database(), tenant, email());
    await deliver(database(), tenant, { mailUrl: 'smtp://rae:p4ssw0rd@127.0.0.1:1' });
    expect(await readMessage(database(), id)).toMatchObject({ state: 'pending', attempts: 1 });
    expect((await readMessage(database(), id)).last_error).toMatch(/^the mail server could not be used \(E/);
    await letTimePass(database(), tenant);
    await deliver(database(), tenant, { mailUrl: mailbox().url('rae:p4ssw0rd@') });
    const { state, last_error: error } = await readMessage(database(), id);
    expect({ state, error }).toEqual({ state: 'pending', error: 'the mail server answered 535' });
  });

  it('is dead at once where the fleet has no mail server', async () => {
    const id = await sendMessage(database(), tenant, email());
    await deliver(database(), tenant);
    expect(await readMessage(database(), id)).toMatchObject({ state: 'dead', reason: 'no_mail_server' });
  });
});
