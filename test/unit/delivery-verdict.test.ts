import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { endpointAfter } from '../../workers/delivery/breaker.ts';
import { deliverySettings } from '../../workers/delivery/contract.ts';
import { mailText } from '../../workers/delivery/mail-text.ts';
import type { TakenMessage } from '../../workers/delivery/message.ts';
import { signingKey } from '../../workers/delivery/signature.ts';
import { jittered, retryAfterMs, standingAfter, type Verdict } from '../../workers/delivery/verdict.ts';

const settings = deliverySettings.parse({});
const now = new Date('2026-11-28T10:00:00Z');
const failed: Verdict = { kind: 'failed', why: 'the receiver answered 500' };
const well = { failures: 0, openings: 0 };

describe('the wait before a retry', () => {
  it('is anything up to a ceiling that doubles and ends at its cap', () => {
    const ceilings = [1, 2, 3, 10, 20].map((failures) => jittered(5_000, 14_400_000, failures, 1));
    expect(ceilings).toEqual([5_000, 10_000, 20_000, 2_560_000, 14_400_000]);
    expect(jittered(5_000, 14_400_000, 5, 0)).toBe(0);
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 1_000 }), fc.double({ min: 0, max: 0.999, noNaN: true }), (n, random) => {
        const wait = jittered(5_000, 14_400_000, n, random);
        expect(wait >= 0 && wait <= 14_400_000 && Number.isInteger(wait)).toBe(true);
      }),
    );
  });

  it('is no shorter than what the receiver asks for, in seconds or as a date, and a day at most', () => {
    expect(retryAfterMs('120', now)).toBe(120_000);
    expect(retryAfterMs('Sat, 28 Nov 2026 10:01:00 GMT', now)).toBe(60_000);
    expect(retryAfterMs('Sat, 28 Nov 2020 10:01:00 GMT', now)).toBe(0);
    expect(retryAfterMs('99999999', now)).toBe(86_400_000);
    for (const header of [undefined, '', 'soon', '-5', '1e9999']) expect(retryAfterMs(header, now)).toBeUndefined();
    const message = { attempts: 1, refusals: 0, age_ms: 0 } as TakenMessage;
    expect(standingAfter(message, { ...failed, retryAfterMs: 7_200_000 }, settings, 0)).toMatchObject({
      state: 'pending',
      waitMs: 7_200_000,
    });
  });

  it('does not come after the time is over', () => {
    const message = { attempts: 30, refusals: 0, age_ms: 86_400_000 } as TakenMessage;
    expect(standingAfter(message, failed, settings, 0.5)).toMatchObject({ state: 'dead', reason: 'gave_up' });
  });
});

describe('an endpoint', () => {
  it('opens after failures in a row, and for longer each time, up to an hour', () => {
    const opened = [0, 1, 2, 10].map((openings) => {
      const change = endpointAfter({ failures: 4, openings }, [failed], settings, 1);
      return change.kind === 'troubled' ? change.openMs : undefined;
    });
    expect(opened).toEqual([30_000, 60_000, 120_000, 3_600_000]);
    expect(endpointAfter({ failures: 3, openings: 0 }, [failed], settings, 0)).toMatchObject({
      openMs: null,
      failures: 4,
    });
  });

  it('is well as soon as it answers, be it with a refusal', () => {
    for (const kind of ['delivered', 'refused'] as const)
      expect(endpointAfter({ failures: 9, openings: 3 }, [{ kind, why: '' }], settings, 0)).toEqual({ kind: 'well' });
    expect(endpointAfter(well, [failed, { kind: 'delivered' }], settings, 0)).toEqual({ kind: 'well' });
  });

  it('is what it was where nothing came as far as it', () => {
    const unsent: Verdict = { kind: 'hopeless', reason: 'no_secret', why: '', answered: false };
    expect(endpointAfter({ failures: 9, openings: 3 }, [unsent], settings, 0)).toEqual({ kind: 'unchanged' });
  });
});

describe('a secret signs', () => {
  it.each([
    ['whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw', 24],
    ['MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw', 24],
  ])('%s', (secret, bytes) => {
    expect(signingKey(secret)).toHaveLength(bytes);
  });

  it.each(['', 'whsec_', 'a word or two', 'whsec_c2hvcnQ=', 'whsec_ü'])('but not %s', (secret) => {
    expect(signingKey(secret)).toBeUndefined();
  });
});

describe('an e-mail', () => {
  const envelope = { id: 'm1', timestamp: '2026-11-28T10:00:00.000Z', tenant_id: 't1' };

  it('about a budget says what a person wants to know', () => {
    const data = {
      threshold: 0.9,
      spend_usd: '450.120000',
      limit_usd: '500.000000',
      burn_rate_usd_per_day: '16.5',
      exhausted_on: '2026-11-30',
    };
    const { subject, text } = mailText({ ...envelope, type: 'budget.threshold', data: JSON.stringify(data) });
    expect(subject).toBe('The budget has reached 90 %');
    expect(text).toContain(
      'The budget has reached 90 %.\nSpent: $450.12 of $500.00.\nAt present $16.50 are spent per day.\nAt this rate it is used up on 2026-11-30.',
    );
  });

  it('of a type that nobody has heard of shows all that it says', () => {
    const data = { message: 'Look at this', nested: { a: 1, list: [1, 2] }, none: null };
    const { subject, text } = mailText({ ...envelope, type: 'acme.new_thing', data: JSON.stringify(data) });
    expect(subject).toBe('RAE: acme new thing');
    expect(text).toMatch(
      /^Look at this\n\nmessage: Look at this\nnested:\n {2}a: 1\n {2}list: \[1,2\]\nnone: –\n\n-- \nSent by RAE/,
    );
  });

  it('has no line that its data could have forged', () => {
    const data = { rule_name: 'x\r\nBcc: a@b', 'k\ney': 'v\u202e\u001b[2J\nSent by someone else' };
    const { subject, text } = mailText({ ...envelope, type: 'rule.fired', data: JSON.stringify(data) });
    expect(subject).not.toMatch(/[\r\n]/);
    expect(text.split('\n').filter((line) => /^(Bcc|Sent by someone)/.test(line))).toEqual([]);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
    expect(text).not.toMatch(/[\u001b\u202e]/);
  });
});
