import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { redactText, redactUrl } from '../../src/kernel/redact.ts';

describe('a URL that is shown', () => {
  it.each([
    ['postgres://app:pw@h:5432/db', 'postgres://app:***@h:5432/db'],
    ['postgres://app@h/db', 'postgres://app@h/db'],
    ['redis://:pw@h:6379/0', 'redis://:***@h:6379/0'],
    ['redis://pw@h', 'redis://***@h'],
    ['postgres://app@h/db?password=pw&sslmode=require', 'postgres://app@h/db?password=***&sslmode=require'],
    ['postgres://app:1/pw@h/db', 'postgres://***'],
    ['postgres://app:p#w@h/db', 'postgres://***'],
    ['postgres://app:1#pw', 'postgres://***'],
    ['pw', '***'],
    ['', '***'],
  ])('%s becomes %s', (url, shown) => {
    expect(redactUrl(url)).toBe(shown);
  });

  it('never holds the password, whatever characters are in it', () => {
    const password = fc.string({ minLength: 1, maxLength: 20 }).map((text) => `Zq9${text}Zq9`);
    const build = fc
      .constantFrom('postgres', 'redis', 'https')
      .map((scheme) => (p: string) => `${scheme}://u:${p}@h:1/0`);
    fc.assert(
      fc.property(password, build, (text, urlOf) => {
        expect(redactUrl(urlOf(text))).not.toContain('Zq9');
        expect(redactUrl(urlOf(encodeURIComponent(text)))).not.toContain('Zq9');
      }),
      { numRuns: 2_000 },
    );
  });
});

describe('a message that is shown', () => {
  it('holds no credentials of URLs within it, nor password pairs', () => {
    expect(redactText('connect to redis://:p/w@h:6379 failed; postgres://a:b@c/d too')).toBe(
      'connect to redis://***@h:6379 failed; postgres://***@c/d too',
    );
    expect(redactText('host=h password=pw user=u, "api_key": "k1"')).toBe(
      'host=h password=*** user=u, "api_key": "***"',
    );
    expect(redactText('password authentication failed for user "rae_worker"')).toBe(
      'password authentication failed for user "rae_worker"',
    );
  });
});
