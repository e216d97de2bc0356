import { BlockList, isIP } from 'node:net';

/** Ranges that no address of the public internet is in, by what they are for (IANA's special-purpose registries). */
const SPECIAL: Readonly<Record<string, readonly string[]>> = {
  'of this host': ['0.0.0.0/8'],
  loopback: ['127.0.0.0/8'],
  private: ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16'],
  'shared by a carrier': ['100.64.0.0/10'],
  'link-local': ['169.254.0.0/16'],
  reserved: ['192.0.0.0/24', '192.88.99.0/24', '240.0.0.0/4'],
  'for documentation': ['192.0.2.0/24', '198.51.100.0/24', '203.0.113.0/24'],
  'for benchmarks': ['198.18.0.0/15'],
  multicast: ['224.0.0.0/4'],
};
/** IPv6 the other way round: only global unicast may be public, without what stands for other addresses in it. */
const GLOBAL = ranges(['2000::/3']);
const NOT_GLOBAL = ranges(['2001::/23', '2001:db8::/32', '2002::/16', '3fff::/20']);
const special = Object.entries(SPECIAL).map(([what, texts]) => [what, ranges(texts)] as const);

/** What is wrong with the text of a range `address` or `address/bits`, in words that follow it; undefined when it is fine. */
export function faultOfRange(text: string): string | undefined {
  const [address = '', bits, ...more] = text.split('/');
  const version = isIP(address);
  if (version === 0 || address.includes('%') || more.length > 0) return 'is no address or range such as 10.0.0.0/8';
  if (bits === undefined) return undefined;
  const most = version === 4 ? 32 : 128;
  return /^\d{1,3}$/.test(bits) && Number(bits) <= most ? undefined : `has no prefix length from 0 to ${most}`;
}

/** A set of addresses out of ranges that have no fault. */
export function ranges(texts: readonly string[]): BlockList {
  const list = new BlockList();
  for (const text of texts) {
    const [address = '', bits] = text.split('/');
    const family = isIP(address) === 4 ? 'ipv4' : 'ipv6';
    list.addSubnet(address, bits === undefined ? (family === 'ipv4' ? 32 : 128) : Number(bits), family);
  }
  return list;
}

/** Whether an address is in the ranges. An IPv4 address inside an IPv6 one (`::ffff:…`) counts as what it stands for. */
export function isWithin(list: BlockList, address: string): boolean {
  const version = isIP(address);
  return version !== 0 && list.check(address, version === 4 ? 'ipv4' : 'ipv6');
}

/** What keeps an address from being one of the public internet, such as `loopback`; undefined for a public one. */
export function notPublic(address: string): string | undefined {
  const version = isIP(address);
  if (version === 0) return 'no address';
  const found = special.find(([, list]) => isWithin(list, address));
  if (found !== undefined) return found[0];
  if (version === 4) return undefined;
  return isWithin(GLOBAL, address) && !isWithin(NOT_GLOBAL, address) ? undefined : 'not global';
}
