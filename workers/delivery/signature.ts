import { createHmac } from 'node:crypto';

const PREFIX = 'whsec_';
const LEAST_BYTES = 16;

/** The key in a secret `whsec_<base64>` (the prefix may be left out); undefined where there is none in it. */
export function signingKey(secret: string): Buffer | undefined {
  const text = secret.trim().replace(new RegExp(`^${PREFIX}`), '');
  if (!/^[A-Za-z0-9+/]+={0,2}$/.test(text)) return undefined;
  const key = Buffer.from(text, 'base64');
  return key.length < LEAST_BYTES ? undefined : key;
}

/**
 * The headers of a webhook by the Standard Webhooks scheme. With several keys it has a signature by each, so that a
 * receiver that knows the old or the new one accepts it; with none it is not signed.
 */
export function webhookHeaders(
  id: string,
  sentAt: Date,
  body: string,
  keys: readonly Buffer[],
): Readonly<Record<string, string>> {
  const timestamp = String(Math.floor(sentAt.getTime() / 1_000));
  const signed = keys.map(
    (key) => `v1,${createHmac('sha256', key).update(`${id}.${timestamp}.${body}`).digest('base64')}`,
  );
  return {
    'webhook-id': id,
    'webhook-timestamp': timestamp,
    ...(signed.length === 0 ? {} : { 'webhook-signature': signed.join(' ') }),
  };
}
