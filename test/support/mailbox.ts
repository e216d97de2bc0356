import type { AddressInfo } from 'node:net';
import { SMTPServer, type SMTPServerDataStream, type SMTPServerSession } from 'smtp-server';
import { afterAll, beforeAll } from 'vitest';

/** An e-mail as it came in. */
export interface Mail {
  readonly from: string;
  readonly to: readonly string[];
  /** Headers and body. */
  readonly text: string;
}

/** A real SMTP server that takes every e-mail but for those that it is told to refuse. */
export class Mailbox {
  readonly mails: Mail[] = [];
  /** Answers of the server by recipient: refused for good (5xx), or for now (4xx). */
  readonly refuses = new Map<string, number>();
  /** The user and password that are asked for; undefined = none. */
  readonly #server: SMTPServer;

  constructor() {
    this.#server = new SMTPServer({
      authOptional: true,
      hideSTARTTLS: true,
      allowInsecureAuth: true,
      onAuth: ({ username, password }, _session, done) => {
        if (username === 'rae' && password === 'p@ss') done(null, { user: username });
        else done(Object.assign(new Error('wrong'), { responseCode: 535 }));
      },
      onRcptTo: ({ address }, _session, done) => {
        const code = this.refuses.get(address);
        done(code === undefined ? null : Object.assign(new Error('no such mailbox here'), { responseCode: code }));
      },
      onData: (stream, session, done) => void this.#take(stream, session).then(() => done(), done),
    });
  }

  async start(): Promise<void> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
  }

  /** @param login `user:password@`, as in the URL. */
  url(login = '', from = '?from=alerts@rae.example'): string {
    return `smtp://${login}127.0.0.1:${(this.#server.server.address() as AddressInfo).port}${from}`;
  }

  async close(): Promise<void> {
    await new Promise<void>((resolve) => this.#server.close(resolve));
  }

  async #take(stream: SMTPServerDataStream, { envelope }: SMTPServerSession): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of stream) chunks.push(chunk as Buffer);
    const from = envelope.mailFrom === false ? '' : envelope.mailFrom.address;
    this.mails.push({
      from,
      to: envelope.rcptTo.map(({ address }) => address),
      text: Buffer.concat(chunks).toString(),
    });
  }
}

/** A mailbox for all tests of the file. */
export function useMailbox(): () => Mailbox {
  const mailbox = new Mailbox();
  beforeAll(() => mailbox.start());
  afterAll(() => mailbox.close());
  return () => mailbox;
}
