import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { loadConfig } from '../../src/config/config.ts';
import { messageOf } from '../../src/kernel/errors.ts';
import { faultOfKeyList, readKeyList } from '../../src/kernel/key-list.ts';
import { Keyring } from '../../src/kernel/keyring.ts';

const secret = (fill: number, bytes = 32): string => Buffer.alloc(bytes, fill).toString('base64');
const folder = mkdtempSync(join(tmpdir(), 'rae-keys-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** What loading this environment says when it is refused; fails when it is accepted. */
function refusal(env: Record<string, string>): string {
  try {
    loadConfig(env);
  } catch (error) {
    return messageOf(error);
  }
  throw new Error('the environment was accepted');
}

describe('the keys of tickets in the environment', () => {
  it('are taken newest first, from the variable or from a file, in both alphabets of base64', () => {
    const list = `k2:${secret(2)}, k1:${Buffer.alloc(40, 251).toString('base64url')}`;
    writeFileSync(join(folder, 'keys'), `${list}\n`);
    for (const env of [{ RAE_ENVELOPE_KEYS: list }, { RAE_ENVELOPE_KEYS_FILE: join(folder, 'keys') }]) {
      const { envelopeKeys } = loadConfig(env).config;
      expect(new Keyring(readKeyList(envelopeKeys ?? '')).ids).toEqual(['k2', 'k1']);
    }
    expect(loadConfig({}).config.envelopeKeys).toBeUndefined();
  });

  it.each([
    [`K1:${secret(1)}`, 'key 1: its id is not'],
    [`k1:${secret(1)},:${secret(2)}`, 'key 2: its id is not'],
    [`${'k'.repeat(17)}:${secret(1)}`, 'key 1: its id is not'],
    [secret(1), 'key 1: it has no id'],
    [`k1:${secret(1)},`, 'key 2: it is empty'],
    [`k1:${secret(1, 31)}`, 'key 1: it has 31 bytes; 32 are the least'],
    ['k1:', 'key 1: what follows its id is not base64'],
    [`k1:${secret(1)}!`, 'key 1: what follows its id is not base64'],
    [`k1:${secret(1).slice(0, 41)}`, 'key 1: what follows its id is not base64'],
    [`k1:${secret(1)} k2:${secret(2)}`, 'key 1: there is white space in it'],
    [`k1:${secret(1)},k2:${secret(2)},k1:${secret(3)}`, 'gives keys 1 and 3 the same id'],
    [Array.from({ length: 17 }, (_none, n) => `k${n}:${secret(n)}`).join(), 'holds 17 keys; 16 are the most'],
  ])('are refused with their place and the reason: %#', (list, why) => {
    const message = refusal({ RAE_ENVELOPE_KEYS: list });
    expect(message).toContain(`RAE_ENVELOPE_KEYS `);
    expect(message).toContain(why);
    expect(message).toContain('expected a list of keys id:base64, newest first, for example');
  });

  it('are never shown, whatever is wrong with them', () => {
    const broken = fc.tuple(fc.string(), fc.constantFrom(':', ',', ' ', '', '\n'), fc.string());
    fc.assert(
      fc.property(broken, ([before, between, after]) => {
        const list = `${before}${between}Zq9${after}Zq9${between}`;
        if (faultOfKeyList(list) !== undefined) expect(refusal({ RAE_ENVELOPE_KEYS: list })).not.toContain('Zq9');
      }),
      { numRuns: 1_000 },
    );
  });
});

describe('a ring of keys', () => {
  const ring = new Keyring(readKeyList(`new:${secret(1)},old:${secret(2)}`));

  it('signs with its newest key and verifies with all of them', () => {
    expect(ring.newest).toBe('new');
    for (const id of ring.ids) expect(ring.verifies(id, 'text', ring.mac(id, 'text'))).toBe(true);
    expect(ring.verifies('new', 'text', ring.mac('old', 'text'))).toBe(false);
    expect(ring.mac('new', 'text')).toMatch(/^[A-Za-z0-9_-]{43}$/);
  });

  it('accepts one spelling of a signature only', () => {
    const mac = ring.mac('new', 'text');
    for (const other of [`${mac}=`, `${mac} `, mac.slice(0, -1), '', mac.replaceAll('-', '+'), `${mac}A`]) {
      expect(other === mac || !ring.verifies('new', 'text', other)).toBe(true);
    }
    // The last of 43 characters carries two bits that decode to nothing.
    const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
    const alike = [...alphabet].filter((last) => ring.verifies('new', 'text', mac.slice(0, -1) + last));
    expect(alike).toEqual([mac.at(-1)]);
  });

  it('without keys signs nothing', () => {
    expect(() => new Keyring([]).newest).toThrow('there is no key');
  });
});
