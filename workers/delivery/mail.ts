import { createTransport, type Transporter } from 'nodemailer';
import { mailText } from './mail-text.ts';
import type { Envelope, MailChannel } from './message.ts';
import type { Verdict } from './verdict.ts';

const CONNECTIONS = 4;

/** The mail server while a run lasts. */
export class MailServer {
  readonly #transport: Transporter;
  readonly #from: string;
  readonly #domain: string;

  /** @param url `smtp[s]://user:password@host:port?from=address`. */
  constructor(url: string, timeoutMs: number) {
    const { protocol, hostname, port, username, password, searchParams } = new URL(url);
    const secure = protocol === 'smtps:';
    this.#from = searchParams.get('from') ?? `rae@${hostname}`;
    this.#domain = this.#from.slice(this.#from.lastIndexOf('@') + 1);
    this.#transport = createTransport({
      host: hostname.replace(/^\[|\]$/g, ''),
      port: port === '' ? (secure ? 465 : 587) : Number(port),
      secure,
      pool: true,
      maxConnections: CONNECTIONS,
      connectionTimeout: timeoutMs,
      greetingTimeout: timeoutMs,
      socketTimeout: timeoutMs,
      dnsTimeout: timeoutMs,
      // What a tenant has written must never become the path of a file or a URL that is read here.
      disableFileAccess: true,
      disableUrlAccess: true,
      ...(username === '' ? {} : { auth: { user: decodeURIComponent(username), pass: decodeURIComponent(password) } }),
    });
  }

  async send(envelope: Envelope, { to, subject }: MailChannel): Promise<Verdict> {
    const written = mailText(envelope);
    try {
      const { rejected = [] } = await this.#transport.sendMail({
        from: { name: 'RAE', address: this.#from },
        to: to.map((address) => ({ name: '', address })),
        subject: subject ?? written.subject,
        text: written.text,
        // The same at every attempt, so that a mailbox can tell a repeat.
        messageId: `<${envelope.id}@${this.#domain}>`,
        date: new Date(envelope.timestamp),
        headers: {
          'x-rae-message-id': envelope.id,
          'x-rae-message-type': envelope.type,
          'auto-submitted': 'auto-generated',
        },
      });
      if (rejected.length === 0) return { kind: 'delivered' };
      return { kind: 'delivered', why: `the mail server refused ${rejected.length} of ${to.length} addresses` };
    } catch (error) {
      return verdictOfError(error);
    }
  }

  close(): void {
    this.#transport.close();
  }
}

/** What an error of the mail server means for a message. Its own words may name users and addresses: they are left out. */
function verdictOfError(error: unknown): Verdict {
  const { code = '', responseCode } = error as { readonly code?: unknown; readonly responseCode?: unknown };
  if (typeof responseCode !== 'number')
    return { kind: 'failed', why: `the mail server could not be used (${String(code) || 'no answer'})` };
  const why = `the mail server answered ${responseCode}`;
  // 5xx to who logs in is no word about this message.
  if (responseCode >= 500 && (code === 'EENVELOPE' || code === 'EMESSAGE')) return { kind: 'refused', why };
  return { kind: 'failed', why };
}
