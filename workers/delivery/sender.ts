import { networkInterfaces } from 'node:os';
import type { Run } from '../../src/fleet/worker.ts';
import { AllowList } from '../../src/kernel/allow-list.ts';
import { RaeError } from '../../src/kernel/errors.ts';
import { mayConnect, readWebhookUrl, type WebhookTarget } from '../../src/kernel/webhook-url.ts';
import type { DeliverySettings } from './contract.ts';
import { MailServer } from './mail.ts';
import {
  bodyOf,
  channel,
  type Envelope,
  envelopeOf,
  type MailChannel,
  type TakenMessage,
  type WebhookChannel,
} from './message.ts';
import type { DeliveryPolicy } from './policy.ts';
import { describeFailure, Line, NotAllowed } from './post.ts';
import { type Resolve, resolver } from './resolver.ts';
import { signingKey, webhookHeaders } from './signature.ts';
import { type Hopeless, type Verdict, verdictOfStatus } from './verdict.ts';

export type DeliveryRun = Run<DeliveryPolicy, Record<string, never>, DeliverySettings>;

/** What a run sends through: a line per endpoint, the mail server, the secrets it has asked for. */
export class Sender {
  readonly #run: DeliveryRun;
  readonly #allow: AllowList;
  readonly #resolve: Resolve;
  readonly #own: readonly string[];
  readonly #lines = new Map<string, Line>();
  readonly #secrets = new Map<string, Promise<readonly string[]>>();
  #mail: MailServer | undefined;

  /** @param resolve what a name's addresses are; default: what name servers say. */
  constructor(run: DeliveryRun, resolve?: Resolve) {
    this.#run = run;
    this.#allow = new AllowList(run.outside.allow);
    this.#resolve = resolve ?? resolver(this.#allow);
    this.#own = Object.values(networkInterfaces()).flatMap((entries) => (entries ?? []).map(({ address }) => address));
  }

  /** Sends one message. @throws where the run has to end: it is told to stop, or the database is away. */
  async send(message: TakenMessage): Promise<Verdict> {
    const read = channel.safeParse(message.channel);
    if (!read.success) return hopeless('bad_channel', 'its channel cannot be read');
    const envelope = envelopeOf(this.#run.tenantId, message);
    return read.data.type === 'email' ? this.#byMail(envelope, read.data) : this.#byWebhook(envelope, read.data);
  }

  close(): void {
    for (const line of this.#lines.values()) line.close();
    this.#mail?.close();
  }

  async #byMail(envelope: Envelope, to: MailChannel): Promise<Verdict> {
    const { mailUrl } = this.#run.outside;
    if (mailUrl === undefined) return hopeless('no_mail_server', 'this fleet has no mail server (RAE_SMTP_URL)');
    this.#mail ??= new MailServer(mailUrl, this.#run.settings.timeout_ms);
    return this.#mail.send(envelope, to);
  }

  async #byWebhook(envelope: Envelope, { url, secret }: WebhookChannel): Promise<Verdict> {
    const target = readWebhookUrl(url, this.#allow);
    if ('fault' in target) return hopeless('not_allowed', `the URL ${target.fault}`);
    const keys = secret === undefined ? [] : await this.#keys(secret);
    if ('kind' in keys) return keys;
    const { clock, settings, signal } = this.#run;
    const body = bodyOf(envelope);
    const headers = webhookHeaders(envelope.id, clock.now(), body, keys);
    try {
      const line = this.#line(url, target);
      const { status, retryAfter } = await line.post({ headers, body }, { timeoutMs: settings.timeout_ms, signal });
      return verdictOfStatus(status, retryAfter, clock.now());
    } catch (error) {
      if (signal.aborted) throw signal.reason;
      if (error instanceof NotAllowed) return hopeless('not_allowed', error.message);
      return { kind: 'failed', why: describeFailure(error) };
    }
  }

  #line(url: string, target: WebhookTarget): Line {
    const known = this.#lines.get(url);
    if (known !== undefined) return known;
    const made = new Line(target, async () => {
      const found = await this.#resolve(target);
      // One that is not allowed spoils them all: whoever answers so for a name means no good.
      if (found.some((address) => !mayConnect(target, address, this.#allow, this.#own))) {
        throw new NotAllowed(
          target.onlyAllowed === undefined
            ? "the URL's name stands for an address that is not public, or is this fleet's own"
            : `the URL ${target.onlyAllowed}, and its address is not one that the operator allows`,
        );
      }
      return found;
    });
    this.#lines.set(url, made);
    return made;
  }

  /** The keys that sign by a secret of the tenant, or why there are none. */
  async #keys(name: string): Promise<readonly Buffer[] | Verdict> {
    const asked = this.#secrets.get(name) ?? this.#run.secret(name);
    this.#secrets.set(name, asked);
    let values: readonly string[];
    try {
      values = await asked;
    } catch (error) {
      if (!(error instanceof RaeError && error.code === 'RAE_SECRET_UNREADABLE')) throw error;
      // One secret that does not open must not keep the tenant's other messages.
      return { kind: 'failed', why: `the secret ${JSON.stringify(name)} cannot be opened (${error.code})` };
    }
    if (values.length === 0) return hopeless('no_secret', `the tenant has no secret ${JSON.stringify(name)}`);
    const keys = values.map(signingKey);
    return keys.every((key) => key !== undefined)
      ? keys
      : hopeless(
          'bad_secret',
          `the secret ${JSON.stringify(name)} is none that signs: expected whsec_ and base64 of 16 bytes or more`,
        );
  }
}

function hopeless(reason: Hopeless, why: string): Verdict {
  return { kind: 'hopeless', reason, why, answered: false };
}
