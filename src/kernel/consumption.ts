import { isUuid } from './ids.ts';
import { nearest } from './nearest.ts';

const WORDS = ['shared', 'dedicated', 'quarantine'] as const;
/** What a process takes that is not told otherwise. */
export const EVERYTHING = 'shared,dedicated';
const MOST_ENTRIES = 1_000;
/** The last shared partition that there may be. */
const LAST = 255;

type Range = readonly [from: number, to: number];

/** What is wrong with each entry of a list `0-3,dedicated,<tenant id>`, as sentences of their own; none when it is fine. */
export function faultsOfConsumption(text: string): readonly string[] {
  const entries = split(text);
  if (entries.length > MOST_ENTRIES) return [`has ${entries.length} entries; ${MOST_ENTRIES} are the most`];
  return entries.flatMap((entry, index) => {
    const fault = faultOf(entry);
    if (fault === undefined) return [];
    return [entry === '' ? `has nothing in entry ${index + 1}` : `has ${JSON.stringify(entry.slice(0, 80))}, ${fault}`];
  });
}

/** Which queues of its workers a process takes tickets from. */
export class Consumption {
  /** The same for whatever takes the same queues. */
  readonly text: string;
  readonly #ranges: readonly Range[];
  readonly #words: ReadonlySet<string>;
  readonly #tenants: ReadonlySet<string>;

  /** @param text a list without a fault. */
  constructor(text: string = EVERYTHING) {
    const entries = split(text);
    this.#words = new Set(entries.filter((entry) => (WORDS as readonly string[]).includes(entry)));
    this.#tenants = new Set(entries.filter(isUuid));
    this.#ranges = merged(entries.map(rangeOf).filter((range) => range !== undefined));
    const shared = this.#words.has('shared');
    const own = this.#words.has('dedicated');
    this.text = [
      ...(shared ? [] : this.#ranges.map(([from, to]) => (from === to ? `${from}` : `${from}-${to}`))),
      ...WORDS.filter((word) => this.#words.has(word) && !(shared && word === 'quarantine')),
      ...(own ? [] : [...this.#tenants].sort()),
    ].join(',');
  }

  /** It takes whatever there is. */
  get isEverything(): boolean {
    return this.text === EVERYTHING;
  }

  /** Tenants whose dedicated queues it names. */
  get tenants(): readonly string[] {
    return [...this.#tenants];
  }

  /** Whether it takes a shared partition; what lies beyond the last is where tenants in quarantine wait. */
  takesPartition(partition: number): boolean {
    if (this.#words.has('shared')) return true;
    if (partition > LAST) return this.#words.has('quarantine');
    return this.#ranges.some(([from, to]) => from <= partition && partition <= to);
  }

  /** Whether it takes the dedicated queues of a tenant. */
  takesTenant(tenantId: string): boolean {
    return this.#words.has('dedicated') || this.#tenants.has(tenantId);
  }
}

function split(text: string): readonly string[] {
  return text.split(',').map((entry) => entry.trim().toLowerCase());
}

function rangeOf(entry: string): Range | undefined {
  const [, from, to = from] = /^(\d{1,3})(?:-(\d{1,3}))?$/.exec(entry) ?? [];
  return from === undefined ? undefined : [Number(from), Number(to)];
}

function merged(ranges: readonly Range[]): readonly Range[] {
  const all: [number, number][] = [];
  for (const [from, to] of [...ranges].sort(([a], [b]) => a - b)) {
    const last = all.at(-1);
    if (last !== undefined && from <= last[1] + 1) last[1] = Math.max(last[1], to);
    else all.push([from, to]);
  }
  return all;
}

/** What is wrong with one entry, and what was probably meant. */
function faultOf(entry: string): string | undefined {
  const range = rangeOf(entry);
  if (range !== undefined) {
    const [from, to] = range;
    if (from > to) return `which ends before it begins; did you mean ${to}-${from}?`;
    return to > LAST ? `but ${LAST} is the last partition that there may be` : undefined;
  }
  if (isUuid(entry) || (WORDS as readonly string[]).includes(entry)) return undefined;
  const meant = meantBy(entry);
  return `which is no partition, no tenant id and none of ${WORDS.join(', ')}${meant === undefined ? '' : `; did you mean ${meant}?`}`;
}

function meantBy(entry: string): string | undefined {
  // The name of a queue or the end of one, as lists of queues show it.
  const [, partition] = /^(?:rae\.[a-z0-9-]+\.)?p0*(\d{1,3})$/.exec(entry) ?? [];
  if (partition !== undefined) return Number(partition) === LAST + 1 ? 'quarantine' : partition;
  const [, tenant] = /^(?:rae\.[a-z0-9-]+\.)?t-(.+)$/.exec(entry) ?? [];
  if (isUuid(tenant)) return tenant;
  const [, from, to] = /^p?0*(\d{1,3})(?:\.\.|:|–|-p?)0*(\d{1,3})$/.exec(entry) ?? [];
  if (from !== undefined) return `${from}-${to}`;
  if (['all', 'any', 'everything', '*'].includes(entry)) return EVERYTHING;
  return nearest(entry, WORDS);
}
