import { isIP } from 'node:net';
import type { AllowList } from './allow-list.ts';
import { notPublic } from './ip-range.ts';

/** Where a webhook goes, its address still to be looked up. */
export interface WebhookTarget {
  readonly url: URL;
  /** The name or address, without brackets and the root's dot. */
  readonly host: string;
  /** Set where only addresses of the allow-list will do: why, in words that follow the URL. */
  readonly onlyAllowed: string | undefined;
}

/** A target, or what is wrong with the URL, in words that follow "the URL". */
export type WebhookReading = WebhookTarget | { readonly fault: string };

const LONGEST = 2_048;
/** What else listens where must not be reached by a URL that a tenant has written. */
const PORTS: readonly string[] = ['', '8443'];
const INSIDE = /^(localhost|.*\.(localhost|local|internal|intranet|lan|corp|home|home\.arpa|arpa|test|invalid))$/;

/** Reads the URL of a webhook: `https://` to a public host, and beyond that what the operator's list allows. */
export function readWebhookUrl(text: string, allow: AllowList): WebhookReading {
  const fault = faultOfText(text);
  if (fault !== undefined) return { fault };
  const url = new URL(text);
  const host = url.hostname.replace(/^\[|\]$/g, '').replace(/\.$/, '');
  const isAddress = isIP(host) !== 0;
  if (isAddress ? allow.allowsAddress(host) : allow.allowsName(host)) return { url, host, onlyAllowed: undefined };
  const onlyAllowed = oddityOf(url, host, isAddress);
  // The name may still turn out to have an address that is allowed; one that is written out cannot.
  if (onlyAllowed === undefined || (allow.hasRanges && !isAddress)) return { url, host, onlyAllowed };
  return { fault: `${onlyAllowed}, and the operator's allow-list does not name it` };
}

function faultOfText(text: string): string | undefined {
  if (text.length > LONGEST) return `has ${text.length} characters; ${LONGEST} are the most`;
  const other = /^([a-z][a-z0-9+.-]{0,30}):/i.exec(text)?.[1]?.toLowerCase();
  if (other === undefined) return 'does not begin with https://';
  if (other !== 'https' && other !== 'http') return `begins with ${other}:, expected https://`;
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  if (/[\s\u0000-\u001f\u007f\\]/.test(text) || /%(00|0a|0d)/i.test(text))
    return 'has white space, a backslash or a control character in it';
  const authority = /^https?:\/\/([^/?#]*)/i.exec(text)?.[1];
  if (authority === undefined || authority === '') return 'names no host';
  if (authority.includes('@')) return 'has a user name or password in it; use a secret of the channel instead';
  if (!URL.canParse(text)) return 'cannot be parsed';
  const given = authority.replace(/:\d*$/, '').toLowerCase();
  // 127.1, 0x7f000001, full-width digits and letters that look like others all come to something else than they show.
  const meant = new URL(text).hostname;
  return given === meant ? undefined : `spells its host in another way than it is read; write it as ${meant}`;
}

/** What makes a target one that must be allowed by name or address. */
function oddityOf(url: URL, host: string, isAddress: boolean): string | undefined {
  if (url.protocol !== 'https:') return 'begins with http:, expected https://';
  if (!PORTS.includes(url.port)) return `goes to port ${url.port}; 443 and 8443 are open to everybody`;
  if (isAddress) {
    const what = notPublic(host);
    return what === undefined ? undefined : `goes to an address that is not public (${what})`;
  }
  if (!host.includes('.') || INSIDE.test(host)) return 'goes to a name that is not public';
  return undefined;
}

/** Whether a connection to `address` may be made for the target. @param own addresses of this very machine. */
export function mayConnect(
  { host, onlyAllowed }: WebhookTarget,
  address: string,
  allow: AllowList,
  own: readonly string[],
): boolean {
  if (allow.allowsAddress(address) || allow.allowsName(host)) return true;
  return onlyAllowed === undefined && notPublic(address) === undefined && !own.includes(address);
}
