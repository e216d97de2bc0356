import type { BlockList } from 'node:net';
import { faultOfRange, isWithin, ranges } from './ip-range.ts';

const NAME = /^(\*\.)?[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*$/;
const MOST = 256;

/**
 * What is wrong with a list `10.0.0.0/8,hooks.intra,*.corp.example`, as the rest of a sentence that begins with its
 * name; undefined when it is fine.
 */
export function faultOfAllowList(text: string): string | undefined {
  const entries = split(text);
  if (entries.length > MOST) return `has ${entries.length} entries; ${MOST} are the most`;
  for (const [index, entry] of entries.entries()) {
    if (entry === '') return `has nothing in entry ${index + 1}`;
    // Digits and dots alone are meant to be an address, whatever names allow.
    const fault = looksLikeAddress(entry) ? faultOfRange(entry) : NAME.test(entry) ? undefined : 'is no host name';
    if (fault !== undefined)
      return `has a mistake in entry ${index + 1}: ${JSON.stringify(entry.slice(0, 80))} ${fault}`;
  }
  return undefined;
}

/** Hosts and addresses beyond the public internet that an operator lets the fleet call. */
export class AllowList {
  readonly #names: ReadonlySet<string>;
  readonly #suffixes: readonly string[];
  readonly #ranges: BlockList;
  /** True where some range is allowed, so that what a name resolves to may be in it. */
  readonly hasRanges: boolean;

  /** @param text a list without a fault; undefined = nothing is allowed. */
  constructor(text: string | undefined) {
    const entries = text === undefined ? [] : split(text);
    const addresses = entries.filter(looksLikeAddress);
    const names = entries.filter((entry) => !looksLikeAddress(entry));
    this.#names = new Set(names.filter((name) => !name.startsWith('*.')));
    this.#suffixes = names.filter((name) => name.startsWith('*.')).map((name) => name.slice(1));
    this.#ranges = ranges(addresses);
    this.hasRanges = addresses.length > 0;
  }

  /** Whether a host is allowed by its name, whatever address it has. */
  allowsName(host: string): boolean {
    return this.#names.has(host) || this.#suffixes.some((suffix) => host.endsWith(suffix));
  }

  /** Whether an address is in one of the ranges. */
  allowsAddress(address: string): boolean {
    return this.hasRanges && isWithin(this.#ranges, address);
  }
}

function split(text: string): readonly string[] {
  return text.split(',').map((entry) => entry.trim().toLowerCase());
}

function looksLikeAddress(entry: string): boolean {
  return entry.includes(':') || entry.includes('/') || /^[\d.]+$/.test(entry);
}
