import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { loadConfig } from '../../src/config/config.ts';
import { RaeError } from '../../src/kernel/errors.ts';

/** The message of the refusal of this environment; fails when it is accepted. */
function refusal(env: Record<string, string>): string {
  try {
    loadConfig(env);
  } catch (error) {
    expect(error).toBeInstanceOf(RaeError);
    expect(error).toMatchObject({ code: 'RAE_CONFIG_INVALID', exit: 2 });
    return (error as RaeError).message;
  }
  throw new Error('the environment was accepted');
}

const folder = mkdtempSync(join(tmpdir(), 'rae-config-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
function file(name: string, content: string): string {
  writeFileSync(join(folder, name), content);
  return join(folder, name);
}

describe('every mistake in the environment is reported at once', () => {
  it('lists each on a line of its own with what was given, what was expected and an example', () => {
    const message = refusal({
      RAE_PARTITIONS: '0',
      RAE_LOG_LEVEL: 'loud',
      RAE_DATABASE_URL: 'mysql://u:hunter2@h/db',
      RAE_SHARD_EU_URL: 'nonsense',
      RAE_CONCURENCY: '4',
      RAE_STATEMENT_TIMEOUT_SECONDS: '40',
    });
    expect(message.split('\n')).toEqual([
      '6 settings are wrong:',
      expect.stringMatching(/^ {2}RAE_DATABASE_URL does not begin with postgres:.*\(value not shown\).*for example/),
      '  RAE_PARTITIONS is "0"; expected a whole number of partitions from 1 to 256, for example RAE_PARTITIONS=2',
      expect.stringMatching(/^ {2}RAE_LOG_LEVEL is "loud"; expected one of trace, debug, .*RAE_LOG_LEVEL=info$/),
      '  RAE_STATEMENT_TIMEOUT_SECONDS is 40; expected less than RAE_LEASE_SECONDS, which is 30',
      expect.stringMatching(/^ {2}RAE_SHARD_EU_URL is not a URL/),
      '  RAE_CONCURENCY is not a setting; did you mean RAE_CONCURRENCY?',
    ]);
  });

  it.each(['', ' 5', '5 ', '1e3', '0x10', '-1', '1.5', '257', '١', 'NaN', '9'.repeat(400)])(
    'refuses %j as a number of partitions, or takes nothing for not set',
    (text) => {
      if (text === '') expect(loadConfig({ RAE_PARTITIONS: text }).config.partitions).toBe(2);
      else expect(refusal({ RAE_PARTITIONS: text }).length).toBeLessThan(300);
    },
  );

  it('never lets a given value steer the terminal', () => {
    const message = refusal({ RAE_LOG_FORMAT: '\u001b[2J\u009b31m\u202e\n' });
    for (const character of ['\u001b', '\u009b', '\u202e']) expect(message).not.toContain(character);
    expect(message.split('\n')).toHaveLength(2);
  });

  it('refuses a statement timeout that does not end before the lease, also against the default lease', () => {
    expect(refusal({ RAE_STATEMENT_TIMEOUT_SECONDS: '30' })).toContain('RAE_LEASE_SECONDS, which is 30');
    expect(loadConfig({ RAE_STATEMENT_TIMEOUT_SECONDS: '29' }).config.statementTimeoutMs).toBe(29_000);
    expect(refusal({ RAE_RETRY_BASE_MS: '5000', RAE_RETRY_CAP_MS: '4999' })).toContain('RAE_RETRY_CAP_MS');
  });

  it.each(['[]', '1', 'null', '{', '"x"'])('refuses %s as operator settings', (text) => {
    expect(refusal({ RAE_SETTINGS: text })).toContain('expected a JSON object');
  });
});

describe('a URL is checked for its form', () => {
  it.each([
    ['RAE_DATABASE_URL', 'postgres://u:p@/db', 'cannot be parsed'],
    ['RAE_DATABASE_URL', 'postgres:///db', 'names no host'],
    ['RAE_DATABASE_URL', 'postgres://u:p@h:5432/', 'names no database'],
    ['RAE_DATABASE_URL', 'postgres://u:p@h', 'names no database'],
    ['RAE_DATABASE_URL', 'postgres://u:p@h:99999/db', 'a port is at most 65535'],
    ['RAE_DATABASE_URL', 'postgres://u:p@h/db?sslmode=required', 'an sslmode that is not one of disable'],
    ['RAE_DATABASE_URL', 'postgres://u:a b@h/db', 'white space'],
    ['RAE_DATABASE_URL', 'postgres://u:12/34@h/db', 'unescaped'],
    ['RAE_DATABASE_URL', 'postgres://u:12#34@h/db', 'unescaped'],
    ['RAE_DATABASE_URL', 'postgres://u:50%off@h/db', 'not followed by two hex digits'],
    ['RAE_DATABASE_DIRECT_URL', 'h:5432', 'is not a URL'],
    ['RAE_REDIS_URL', 'http://h:6379', 'does not begin with redis:// or rediss://'],
    ['RAE_REDIS_URL', 'redis://h:6379/zero', 'not a database number'],
    ['RAE_REDIS_URL', 'redis://h:99999', 'cannot be parsed'],
  ])('refuses %s=%s', (name, url, says) => {
    expect(refusal({ [name]: url })).toContain(says);
  });

  it.each([
    ['RAE_DATABASE_URL', 'postgres://h/db'],
    ['RAE_DATABASE_URL', 'postgresql://u:p%40ss@[::1]:5432/db?sslmode=require'],
    ['RAE_DATABASE_URL', 'postgres:///db?host=/run/postgresql'],
    ['RAE_REDIS_URL', 'redis://:p@h:6379/3'],
    ['RAE_REDIS_URL', 'rediss://h'],
  ])('accepts %s=%s', (name, url) => {
    expect(() => loadConfig({ [name]: url })).not.toThrow();
  });

  it('names the fallback variable when it is the one that is wrong', () => {
    expect(refusal({ DATABASE_URL: 'mysql://u:hunter2@h/db' })).toMatch(/^ {2}DATABASE_URL does not begin/m);
    expect(() => loadConfig({ DATABASE_URL: 'mysql://x', RAE_DATABASE_URL: 'postgres://h/db' })).not.toThrow();
  });

  it('never shows a password, wherever it stands in a malformed value', () => {
    const secret = fc.stringMatching(/^S3cr[a-z0-9]{6,12}$/);
    const shape = fc.constantFrom(
      (s: string) => s,
      (s: string) => `mysql://u:${s}@h/db`,
      (s: string) => `postgres://u:12/${s}@h/db`,
      (s: string) => `postgres://u: ${s}@h`,
      (s: string) => `${s}://h`,
      (s: string) => `postgres://u@/${s}`,
    );
    const name = fc.constantFrom('RAE_DATABASE_URL', 'RAE_REDIS_URL', 'RAE_SHARD_A_URL', 'DATABASE_URL');
    fc.assert(
      fc.property(secret, shape, name, (text, wrap, variable) => {
        expect(refusal({ [variable]: wrap(text) })).not.toContain(text);
        const path = file('malformed', `${wrap(text)}\n`);
        if (variable.startsWith('RAE_')) expect(refusal({ [`${variable}_FILE`]: path })).not.toContain(text);
      }),
    );
  });
});

describe('a secret may come from a mounted file', () => {
  it('without the line break at its end', () => {
    for (const end of ['', '\n', '\r\n']) {
      const path = file('redis-url', `redis://:p@h:6379${end}`);
      expect(loadConfig({ RAE_REDIS_URL_FILE: path }).config.redisUrl).toBe('redis://:p@h:6379');
    }
  });

  it('and one that is missing, a folder, empty or set twice is a mistake', () => {
    const message = refusal({
      RAE_REDIS_URL_FILE: join(folder, 'absent'),
      RAE_DATABASE_URL_FILE: folder,
      RAE_SHARD_EU_URL_FILE: file('empty', '\n'),
      RAE_DATABASE_DIRECT_URL: 'postgres://h/db',
      RAE_DATABASE_DIRECT_URL_FILE: file('direct', 'postgres://h/db'),
    });
    expect(message).toMatch(/RAE_REDIS_URL_FILE names ".*absent", which cannot be read \(ENOENT\)/);
    expect(message).toMatch(/RAE_DATABASE_URL_FILE names .*\(EISDIR\)/);
    expect(message).toMatch(/RAE_SHARD_EU_URL_FILE names .*which is empty/);
    expect(message).toContain('RAE_DATABASE_DIRECT_URL and RAE_DATABASE_DIRECT_URL_FILE are both set');
  });
});
