import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { dedicatedQueue, sharedQueue } from '../../queues/names.ts';
import { openTicket } from '../../queues/open-ticket.ts';
import {
  sealTicket,
  signedText,
  TICKET_BYTES,
  type Ticket,
  type TicketRun,
  ticketExpiry,
} from '../../queues/ticket.ts';
import { canonicalJson } from '../../src/kernel/canonical-json.ts';
import { readKeyList } from '../../src/kernel/key-list.ts';
import { Keyring } from '../../src/kernel/keyring.ts';

const key = (id: string, fill: number): string => `${id}:${Buffer.alloc(32, fill).toString('base64')}`;
const ringOf = (...keys: readonly string[]): Keyring => new Keyring(readKeyList(keys.join()));
const ring = ringOf(key('k1', 1));
const NOW = 1_790_000_000_000;
const QUEUE = sharedQueue('decay', 0);

const run: fc.Arbitrary<TicketRun> = fc.record({
  tenant: fc.uuid(),
  run: fc.uuid(),
  attempt: fc.nat(),
  worker: fc.constant('decay'),
  epoch: fc.nat(),
  payload: fc.option(fc.stringMatching(/^[0-9a-f]{64}$/)),
});
const runs = fc.array(run, { minLength: 1, maxLength: 5 });

const sealed = (inside: readonly TicketRun[], queue = QUEUE, exp = NOW + 60_000, keys = ring): Ticket =>
  sealTicket({ queue, exp, runs: inside }, keys);
const open = (text: string, queue = QUEUE, keys = ring, now = NOW) => openTicket(queue, text, keys, now);
const reasonOf = (text: string, queue = QUEUE, keys = ring): string => {
  const opened = open(text, queue, keys);
  return 'refused' in opened ? opened.refused : 'accepted';
};
const one: TicketRun = {
  ...{ tenant: '3f2a0000-0000-4000-8000-000000000001', run: '3f2a0000-0000-4000-8000-000000000002' },
  ...{ attempt: 0, worker: 'decay', epoch: 3, payload: null },
};
const another: TicketRun = { ...one, tenant: '3f2a0000-0000-4000-8000-00000000000a', attempt: 4, epoch: 1 };

describe('a signed ticket', () => {
  it('is accepted as it was made, from the queue it was made for', () => {
    fc.assert(
      fc.property(runs, (inside) => {
        const ticket = sealed(inside);
        expect(open(JSON.stringify(ticket))).toEqual({ ticket, expired: false });
      }),
    );
  });

  it('is signed over the canonical JSON of everything but the signature, whatever order it was made in', () => {
    fc.assert(
      fc.property(runs, (inside) => {
        const ticket = sealed(inside);
        const { mac, ...rest } = ticket;
        expect(signedText(ticket)).toBe(canonicalJson(rest));
        expect(JSON.stringify(ticket)).toBe(canonicalJson(ticket));
        expect(mac).toBe(ring.mac('k1', canonicalJson(rest)));
        const turned = inside.map((each) => Object.fromEntries(Object.entries(each).reverse()) as TicketRun);
        expect(sealed(turned)).toEqual(ticket);
      }),
    );
    // Known bytes: a change of them is a change of version.
    expect(signedText(sealed([one]))).toBe(
      '{"exp":1790000060000,"kid":"k1","queue":"rae.decay.p00","runs":[{"attempt":0,"epoch":3,"payload":null,' +
        '"run":"3f2a0000-0000-4000-8000-000000000002","tenant":"3f2a0000-0000-4000-8000-000000000001","worker":"decay"}],"v":2}',
    );
  });

  it('is refused when any one of its bytes is another, is left out, is doubled or has company', () => {
    const text = JSON.stringify(sealed([one, another]));
    const accepted: string[] = [];
    for (let at = 0; at <= text.length; at += 1) {
      const [before, after] = [text.slice(0, at), text.slice(at)];
      const rest = after.slice(1);
      const changed = at < text.length ? [before + rest] : [];
      for (let byte = 0; byte < 128; byte += 1) {
        const character = String.fromCharCode(byte);
        changed.push(before + character + after);
        if (at < text.length && character !== text[at]) changed.push(before + character + rest);
      }
      for (const mutant of changed) if (reasonOf(mutant) === 'accepted') accepted.push(mutant);
    }
    expect(accepted).toEqual([]);
  });

  it('is refused when any one of its fields has another value, is missing or is one too many', () => {
    const value = fc.oneof(fc.jsonValue(), fc.nat(), fc.uuid(), fc.constantFrom('decay', QUEUE, 'k1', null, 2));
    const field = fc.constantFrom('exp', 'kid', 'mac', 'queue', 'runs', 'v', '__proto__', 'constructor', 'toString');
    const inner = fc.constantFrom('attempt', 'epoch', 'payload', 'run', 'tenant', 'worker', '__proto__', 'prototype');
    const set = (target: Readonly<Record<string, unknown>>, name: string, given: unknown) =>
      `{${[...Object.entries(target).filter(([known]) => known !== name), [name, given]]
        .sort(([a], [b]) => (String(a) < String(b) ? -1 : 1))
        .map(([known, inside]) => `${JSON.stringify(known)}:${JSON.stringify(inside)}`)
        .join()}}`;
    fc.assert(
      fc.property(runs, value, field, inner, fc.boolean(), (inside, given, outer, within, deep) => {
        const ticket = sealed(inside);
        const text = JSON.stringify(ticket);
        const [first, ...others] = ticket.runs.map((each) => JSON.stringify(each));
        const mutant = deep
          ? text.replace(first ?? '', set(ticket.runs[0] ?? {}, within, given))
          : set(ticket, outer, given);
        if (mutant !== text) expect(reasonOf(mutant)).not.toBe('accepted');
        const without = text.replace(`${first}`, '').replace('[,', '[');
        expect(reasonOf(without)).toBe(others.length === 0 ? 'malformed' : 'bad_signature');
      }),
      { numRuns: 3_000 },
    );
  });

  it('is refused with tenants exchanged between its runs, runs in another order, or parts of two tickets', () => {
    const text = JSON.stringify(sealed([one, another]));
    const exchanged = text.replace(one.tenant, '*').replace(another.tenant, one.tenant).replace('*', another.tenant);
    expect(reasonOf(exchanged)).toBe('bad_signature');
    const ticket = sealed([one, another]);
    expect(reasonOf(JSON.stringify({ ...ticket, runs: [...ticket.runs].reverse() }))).toBe('bad_signature');
    expect(reasonOf(JSON.stringify({ ...ticket, mac: sealed([one]).mac }))).toBe('bad_signature');
    expect(reasonOf(JSON.stringify({ ...ticket, exp: ticket.exp + 1 }))).toBe('bad_signature');
  });

  it('is refused in every queue but its own, whoever moves it there', () => {
    const own = dedicatedQueue('decay', one.tenant);
    const text = JSON.stringify(sealed([one]));
    for (const queue of [sharedQueue('decay', 1), sharedQueue('another', 0), own, 'rae.decay.p00 ', '', 'bull']) {
      expect(reasonOf(text, queue)).toBe('wrong_queue');
    }
    expect(reasonOf(JSON.stringify(sealed([one], own)), own)).toBe('accepted');
    expect(reasonOf(JSON.stringify(sealed([one, another], own)), own)).toBe('foreign_tenant');
    expect(reasonOf(JSON.stringify(sealed([{ ...one, worker: 'another' }])))).toBe('wrong_queue');
    expect(reasonOf(JSON.stringify(sealed([one], 'no queue')), 'no queue')).toBe('wrong_queue');
  });

  it('is verified with every key of the ring and refused once its key has left it', () => {
    const before = JSON.stringify(sealed([one]));
    const both = ringOf(key('k2', 2), key('k1', 1));
    const after = JSON.stringify(sealed([one], QUEUE, NOW + 60_000, both));
    expect([reasonOf(before, QUEUE, both), reasonOf(after, QUEUE, both)]).toEqual(['accepted', 'accepted']);
    expect(sealed([one], QUEUE, NOW, both).kid).toBe('k2');
    expect(reasonOf(before, QUEUE, ringOf(key('k2', 2)))).toBe('unknown_key');
    expect(reasonOf(after, QUEUE, ring)).toBe('unknown_key');
    expect(reasonOf(before, QUEUE, ringOf(key('k1', 3)))).toBe('bad_signature');
    expect(reasonOf(before, QUEUE, ringOf())).toBe('unknown_key');
  });

  it('that is too old is genuine all the same, so that its runs can be handed back', () => {
    const ticket = sealed([one], QUEUE, NOW);
    const text = JSON.stringify(ticket);
    expect(open(text, QUEUE, ring, NOW - 1)).toEqual({ ticket, expired: false });
    expect(open(text, QUEUE, ring, NOW)).toEqual({ ticket, expired: true });
    expect(open(text.replace('"attempt":0', '"attempt":1'), QUEUE, ring, NOW)).toEqual({ refused: 'bad_signature' });
  });

  it('of the same runs made twice within half its life is one and the same', () => {
    for (let at = 0; at < 60_000; at += 777) {
      const exp = ticketExpiry(NOW + at, 60_000);
      expect(exp - (NOW + at)).toBeGreaterThanOrEqual(60_000);
      expect(exp - (NOW + at)).toBeLessThanOrEqual(90_000);
    }
    const even = 30_000 * 59_000_000;
    expect(ticketExpiry(even + 1, 60_000)).toBe(ticketExpiry(even + 30_000, 60_000));
    expect(ticketExpiry(NOW, 1)).toBe(NOW + 1);
  });

  it('holds at most 256 runs and 64 KiB; a larger one is not made, and not parsed when somebody else makes it', () => {
    const many = (count: number, extra: Partial<TicketRun> = {}) =>
      Array.from({ length: count }, () => ({ ...one, ...extra }));
    expect(reasonOf(JSON.stringify(sealed(many(256, { payload: 'f'.repeat(64) }))))).toBe('accepted');
    expect(() => sealed(many(257))).toThrow('malformed');
    expect(() => sealed([])).toThrow('malformed');
    expect(() => sealed(many(256, { payload: 'f'.repeat(64), worker: 'w'.repeat(64) }))).toThrow(
      `${TICKET_BYTES} bytes`,
    );
    for (const large of ['x'.repeat(TICKET_BYTES + 1), '"é"'.repeat(30_000), `[${'['.repeat(100_000)}`]) {
      expect(reasonOf(large)).toBe('oversized');
    }
    expect(reasonOf(`${'['.repeat(30_000)}${']'.repeat(30_000)}`)).toBe('malformed');
  });

  it.each([
    ['null', 'malformed'],
    ['', 'malformed'],
    ['{', 'malformed'],
    ['[]', 'malformed'],
    ['2', 'malformed'],
    ['{"v":1}', 'version'],
    ['{"v":3,"anything":true}', 'version'],
    ['{"v":"3"}', 'malformed'],
    ['{"v":2}', 'malformed'],
    ['{"v":2.5}', 'malformed'],
    ['{"__proto__":{"v":3}}', 'malformed'],
    ['{"__proto__":{"polluted":true},"constructor":{"prototype":{"polluted":true}}}', 'malformed'],
  ])('%s is refused as %s', (text, reason) => {
    expect(reasonOf(text)).toBe(reason);
    expect(Object.prototype).not.toHaveProperty('polluted');
    expect(Object.keys(Object.prototype)).toEqual([]);
  });

  it('never makes reading throw, whatever stands there', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.json(), fc.string({ unit: 'binary' })), (text) => {
        expect(reasonOf(text)).not.toBe('accepted');
      }),
      { numRuns: 5_000 },
    );
  });
});
