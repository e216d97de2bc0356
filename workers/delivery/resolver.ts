import { lookup, Resolver } from 'node:dns/promises';
import { isIP } from 'node:net';
import type { AllowList } from '../../src/kernel/allow-list.ts';
import type { WebhookTarget } from '../../src/kernel/webhook-url.ts';

/** Gives every address of a target's host. @throws where it has none, or nobody could say. */
export type Resolve = (target: WebhookTarget) => Promise<readonly string[]>;

/** A name server that does not answer costs so much, twice. */
const QUESTION = { timeout: 2_000, tries: 2 };

/**
 * Asks name servers without a thread that waits: one that does not answer would else hold up the names of all others.
 * What an operator has allowed may be known to this machine alone (its hosts file, a cluster's search list), and is
 * looked for there as well.
 */
export function resolver(allow: AllowList): Resolve {
  const servers = new Resolver(QUESTION);
  return async ({ host }) => {
    if (isIP(host) !== 0) return [host];
    const isAllowed = allow.allowsName(host);
    const asked = isAllowed ? [] : await Promise.allSettled([servers.resolve4(host), servers.resolve6(host)]);
    const found = asked.flatMap((answer) => (answer.status === 'fulfilled' ? answer.value : []));
    if (found.length > 0) return found;
    if (isAllowed || allow.hasRanges) return (await lookup(host, { all: true })).map(({ address }) => address);
    const [first] = asked.flatMap((answer) => (answer.status === 'rejected' ? [answer.reason as Error] : []));
    throw first ?? new Error('it has no address');
  };
}
