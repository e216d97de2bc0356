import { randomBytes, randomUUID } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import {
  COMPLETIONS_LENGTH,
  type Completion,
  MOST_COMPLETIONS,
  openCompletions,
  sealCompletions,
} from '../../queues/completion-message.ts';
import { sealTicket, signedText } from '../../queues/ticket.ts';
import { Keyring } from '../../src/kernel/keyring.ts';

const key = (id: string) => ({ id, base64: randomBytes(32).toString('base64') });
const [older, newer] = [key('older'), key('newer')];
const keys = new Keyring([newer, older]);
const completion = (more: Partial<Completion> = {}): Completion => ({
  tenant: randomUUID(),
  run: randomUUID(),
  worker: 'decay',
  attempt: 3,
  ms: 1.25,
  ...more,
});

/** A message with a right signature over any body. */
function sealed(body: string): string {
  return `1.newer.${keys.mac('newer', `completions.1.newer.${body}`)}.${body}`;
}

describe('a message about runs that have left', () => {
  it('is read as it was sent', () => {
    const sent = [completion(), completion({ ms: null }), completion({ attempt: 0, ms: 0 })];
    expect(openCompletions(sealCompletions(sent, keys), keys)).toEqual({ completions: sent });
  });

  it('says how long a run took to a microsecond, and never less than nothing', () => {
    const sent = [completion({ ms: 1.23456789 }), completion({ ms: -0.5 })];
    const opened = openCompletions(sealCompletions(sent, keys), keys);
    expect('completions' in opened && opened.completions.map(({ ms }) => ms)).toEqual([1.235, 0]);
  });

  it('is signed with the newest key and believed under every known one', () => {
    const [one] = [completion()];
    expect(sealCompletions([one], keys)).toMatch(/^1\.newer\./);
    expect(openCompletions(sealCompletions([one], new Keyring([older])), keys)).toEqual({ completions: [one] });
    const stranger = new Keyring([key('stranger')]);
    expect(openCompletions(sealCompletions([one], stranger), keys)).toEqual({ refused: 'unknown_key' });
    const impostor = new Keyring([key('newer')]);
    expect(openCompletions(sealCompletions([one], impostor), keys)).toEqual({ refused: 'bad_signature' });
  });

  it('is not believed with any character changed, left out or added', () => {
    const text = sealCompletions([completion()], keys);
    for (let at = 0; at < text.length; at += 1) {
      const other = text[at] === 'x' ? 'y' : 'x';
      for (const changed of [
        text.slice(0, at) + other + text.slice(at + 1),
        text.slice(0, at) + text.slice(at + 1),
        text.slice(0, at) + other + text.slice(at),
      ]) {
        expect(openCompletions(changed, keys), changed).toHaveProperty('refused');
      }
    }
  });

  it('cannot be made of the signature of a ticket, nor a ticket of its', () => {
    const run = { tenant: randomUUID(), run: randomUUID(), attempt: 0, worker: 'decay', epoch: 0, payload: null };
    const ticket = sealTicket({ queue: 'rae.decay.p00', exp: 1, runs: [run] }, keys);
    const body = signedText(ticket);
    expect(openCompletions(`1.${ticket.kid}.${ticket.mac}.[${body}]`, keys)).toEqual({ refused: 'bad_signature' });
    const [, kid, mac] = sealCompletions([completion()], keys).split('.');
    expect(keys.verifies(kid ?? '', body, mac ?? '')).toBe(false);
  });

  it.each([
    ['nothing', ''],
    ['text', 'hello'],
    ['JSON', '[]'],
    ['another version', '2.newer.AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA.[]'],
    ['a signature that is too short', '1.newer.AAAA.[]'],
    ['no list', '1.newer.AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA.{}'],
  ])('is malformed where it is %s', (_what, text) => {
    expect(openCompletions(text, keys)).toEqual({ refused: 'malformed' });
  });

  const [tenant, run] = [randomUUID(), randomUUID()];
  it.each<[what: string, entries: unknown]>([
    ['too few fields', [[tenant, run, 'decay', 1]]],
    ['too many fields', [[tenant, run, 'decay', 1, 1, 1]]],
    ['an entry that is no list', [{ tenant, run }]],
    ['a tenant that is no id', [['me', run, 'decay', 1, 1]]],
    ['a run that is no id', [[tenant, 'it', 'decay', 1, 1]]],
    ['a worker that is no text', [[tenant, run, 7, 1, 1]]],
    ['an attempt that is no whole number', [[tenant, run, 'decay', 1.5, 1]]],
    ['an attempt below nothing', [[tenant, run, 'decay', -1, 1]]],
    ['a time below nothing', [[tenant, run, 'decay', 1, -1]]],
    ['a time in words', [[tenant, run, 'decay', 1, '1']]],
    ['one good entry and one bad', [[tenant, run, 'decay', 1, 1], [tenant]]],
    [
      'more entries than any sender puts there',
      Array.from({ length: MOST_COMPLETIONS + 1 }, () => [tenant, run, 'a', 1, 1]),
    ],
  ])('is malformed with %s, whoever signed it', (_what, entries) => {
    expect(openCompletions(sealed(JSON.stringify(entries)), keys)).toEqual({ refused: 'malformed' });
  });

  it('is malformed where what was signed is not JSON', () => {
    expect(openCompletions(sealed('[not JSON]'), keys)).toEqual({ refused: 'malformed' });
  });

  it('of the most runs fits well into its bound, and a longer one is not looked at', () => {
    const most = Array.from({ length: MOST_COMPLETIONS }, () =>
      completion({ worker: 'w'.repeat(64), attempt: 2_000_000_000, ms: 123_456_789.123 }),
    );
    const text = sealCompletions(most, keys);
    expect(text.length).toBeLessThan(COMPLETIONS_LENGTH);
    expect(openCompletions(text, keys)).toHaveProperty('completions.length', MOST_COMPLETIONS);
    expect(openCompletions(`${text}${' '.repeat(COMPLETIONS_LENGTH)}`, keys)).toEqual({ refused: 'oversized' });
  });
});
