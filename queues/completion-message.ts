import { isUuid } from '../src/kernel/ids.ts';
import type { Keyring } from '../src/kernel/keyring.ts';

/** One admission of a run that is over: the ledger says, durably, that it is neither queued nor running any more. */
export interface Completion {
  readonly tenant: string;
  readonly run: string;
  readonly worker: string;
  /** The one of its ticket: run and attempt name one admission for ever. */
  readonly attempt: number;
  /** Worker time that it took, which its tenant is charged with. Null = its effect was not begun. */
  readonly ms: number | null;
}

/** Completions in one message at most. */
export const MOST_COMPLETIONS = 500;
/** A message is no longer than this, in characters: what is longer is not even looked at. */
export const COMPLETIONS_LENGTH = 131_072;

/** Why a message is not believed. */
export const COMPLETION_REFUSALS = Object.freeze(['oversized', 'malformed', 'unknown_key', 'bad_signature'] as const);
export type CompletionRefusal = (typeof COMPLETION_REFUSALS)[number];

/** `1.<key id>.<HMAC>.<JSON>`; the first is the version of the form. */
const FORM = /^1\.([a-z0-9_-]{1,16})\.([A-Za-z0-9_-]{43})\.(\[.*\])$/;

/** What is signed: not what any ticket signs, so that neither passes for the other. */
const signed = (kid: string, body: string): string => `completions.1.${kid}.${body}`;

/**
 * One message of completions under the newest key. Heard again later it changes nothing, since it names admissions that
 * are over; so it needs no time in it.
 */
export function sealCompletions(completions: readonly Completion[], keys: Keyring): string {
  const body = JSON.stringify(
    completions.map(({ tenant, run, worker, attempt, ms }) => [tenant, run, worker, attempt, rounded(ms)]),
  );
  const kid = keys.newest;
  return `1.${kid}.${keys.mac(kid, signed(kid, body))}.${body}`;
}

/** To a microsecond: more digits would only make messages longer. */
function rounded(ms: number | null): number | null {
  return ms === null ? null : Math.max(0, Math.round(ms * 1_000) / 1_000);
}

/** Reads and verifies a message. Anyone with access to Redis can publish: nothing is believed before the signature is. */
export function openCompletions(
  text: string,
  keys: Keyring,
): { readonly completions: readonly Completion[] } | { readonly refused: CompletionRefusal } {
  if (text.length > COMPLETIONS_LENGTH) return { refused: 'oversized' };
  const [, kid, mac, body] = FORM.exec(text) ?? [];
  if (kid === undefined || mac === undefined || body === undefined) return { refused: 'malformed' };
  if (!keys.has(kid)) return { refused: 'unknown_key' };
  if (!keys.verifies(kid, signed(kid, body), mac)) return { refused: 'bad_signature' };
  const completions = read(body);
  return completions === undefined ? { refused: 'malformed' } : { completions };
}

function read(body: string): readonly Completion[] | undefined {
  let entries: unknown;
  try {
    entries = JSON.parse(body);
  } catch {
    return undefined;
  }
  if (!Array.isArray(entries) || entries.length > MOST_COMPLETIONS) return undefined;
  const completions = entries.map(completionOf);
  return completions.every((one) => one !== undefined) ? completions : undefined;
}

function completionOf(entry: unknown): Completion | undefined {
  if (!Array.isArray(entry) || entry.length !== 5) return undefined;
  const [tenant, run, worker, attempt, ms]: unknown[] = entry;
  if (!isUuid(tenant) || !isUuid(run) || typeof worker !== 'string') return undefined;
  if (typeof attempt !== 'number' || !Number.isSafeInteger(attempt) || attempt < 0) return undefined;
  if (ms !== null && (typeof ms !== 'number' || !(ms >= 0))) return undefined;
  return { tenant, run, worker, attempt, ms };
}
