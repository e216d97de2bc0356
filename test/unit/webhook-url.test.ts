import { describe, expect, it } from 'vitest';
import { AllowList, faultOfAllowList } from '../../src/kernel/allow-list.ts';
import { notPublic } from '../../src/kernel/ip-range.ts';
import { mayConnect, readWebhookUrl, type WebhookTarget } from '../../src/kernel/webhook-url.ts';

const nothing = new AllowList(undefined);
const read = (text: string, allow = nothing) => readWebhookUrl(text, allow);
const targetOf = (text: string, allow = nothing): WebhookTarget => {
  const reading = read(text, allow);
  if ('fault' in reading) throw new Error(reading.fault);
  return reading;
};

describe('a webhook goes to a public https address', () => {
  it.each([
    'https://hooks.example.com/a?b=c',
    'https://8.8.8.8/x',
    'https://[2606:4700:4700::1111]/x',
    'https://example.com:8443/',
    'https://xn--e1afmkfd.example/',
    'https://example.com./x',
  ])('%s', (url) => {
    expect(read(url)).toMatchObject({ onlyAllowed: undefined });
  });
});

describe('any other URL is refused with what is wrong with it', () => {
  it.each([
    ['http://example.com/', 'begins with http:'],
    ['ftp://example.com/', 'begins with ftp:'],
    ['file:///etc/passwd', 'begins with file:'],
    ['gopher://example.com/', 'begins with gopher:'],
    ['data:text/plain,x', 'begins with data:'],
    ['//example.com/', 'does not begin with https://'],
    ['', 'does not begin with https://'],
    ['https://', 'names no host'],
    ['https://127.0.0.1/', 'loopback'],
    ['https://127.1/', 'write it as 127.0.0.1'],
    ['https://0x7f000001/', 'write it as 127.0.0.1'],
    ['https://2130706433/', 'write it as 127.0.0.1'],
    ['https://0177.0.0.1/', 'write it as 127.0.0.1'],
    ['https://１２７.0.0.1/', 'write it as 127.0.0.1'],
    ['https://localhost/', 'a name that is not public'],
    ['https://localhost./', 'a name that is not public'],
    ['https://LOCALHOST/', 'a name that is not public'],
    ['https://a.localhost/', 'a name that is not public'],
    ['https://redis/', 'a name that is not public'],
    ['https://metadata.google.internal/', 'a name that is not public'],
    ['https://[::1]/', 'not global'],
    ['https://[::]/', 'not global'],
    ['https://[::ffff:7f00:1]/', 'loopback'],
    ['https://[::ffff:127.0.0.1]/', 'write it as [::ffff:7f00:1]'],
    ['https://[64:ff9b::7f00:1]/', 'not global'],
    ['https://[2002:7f00:1::]/', 'not global'],
    ['https://[fd00::1]/', 'not global'],
    ['https://[fe80::1]/', 'not global'],
    ['https://169.254.169.254/latest/meta-data', 'link-local'],
    ['https://100.100.100.200/', 'shared by a carrier'],
    ['https://100.64.0.1/', 'shared by a carrier'],
    ['https://10.0.0.1/', 'private'],
    ['https://172.16.0.1/', 'private'],
    ['https://172.31.255.255/', 'private'],
    ['https://192.168.1.1/', 'private'],
    ['https://0.0.0.0/', 'of this host'],
    ['https://224.0.0.1/', 'multicast'],
    ['https://255.255.255.255/', 'reserved'],
    ['https://user:pass@example.com/', 'has a user name or password'],
    ['https://@example.com/', 'has a user name or password'],
    ['https://example.com:22/', 'goes to port 22'],
    ['https://example.com:6379/', 'goes to port 6379'],
    ['https://example.com:5432/', 'goes to port 5432'],
    ['https://example.com:80/', 'goes to port 80'],
    ['https://example.com/\r\nX: y', 'control character'],
    ['https://example.com/%0d%0aX:y', 'control character'],
    ['https://example.com/%00', 'control character'],
    ['https://example.com\\@127.0.0.1/', 'a backslash'],
    [`https://example.com/${'x'.repeat(8_192)}`, '2048 are the most'],
    ['https://аpple.com/', 'write it as xn--'],
    ['https://exa mple.com/', 'white space'],
    ['https://example.com:99999/', 'cannot be parsed'],
  ])('%s', (url, what) => {
    expect(read(url)).toMatchObject({ fault: expect.stringContaining(what) });
  });
});

describe('the allow-list of the operator opens', () => {
  it('an address and what is in a range, by http too and at any port', () => {
    const allow = new AllowList('10.0.0.0/8, 127.0.0.1, fd00::/8');
    for (const url of ['http://10.1.2.3:8080/', 'https://127.0.0.1:5432/', 'http://[fd00::1]/'])
      expect(targetOf(url, allow).onlyAllowed).toBeUndefined();
    expect(read('http://127.0.0.2/', allow)).toMatchObject({ fault: expect.stringContaining('allow-list') });
    expect(read('https://192.168.0.1/', allow)).toHaveProperty('fault');
  });

  it('a host by its name, whatever its address, and those below a name', () => {
    const allow = new AllowList('hooks.intra,*.corp.example');
    const target = targetOf('http://hooks.intra:3000/', allow);
    expect(mayConnect(target, '10.0.0.1', allow, [])).toBe(true);
    expect(targetOf('http://a.b.corp.example/', allow).onlyAllowed).toBeUndefined();
    expect(read('http://corp.example/', allow)).toHaveProperty('fault');
    expect(read('http://hooks.intra.evil.example/', allow)).toHaveProperty('fault');
  });

  it('a name by http only where all its addresses are in a range', () => {
    const allow = new AllowList('10.0.0.0/8');
    const target = targetOf('http://hooks.intra/', allow);
    expect(mayConnect(target, '10.0.0.1', allow, [])).toBe(true);
    expect(mayConnect(target, '8.8.8.8', allow, [])).toBe(false);
    expect(mayConnect(target, '192.168.0.1', allow, [])).toBe(false);
  });

  it.each([
    ['10.0.0.0/33', 'has no prefix length from 0 to 32'],
    ['10.0.0', 'is no address or range'],
    ['a b', 'is no host name'],
    ['http://x/', 'is no address or range'],
    ['x,,y', 'has nothing in entry 2'],
    ['fe80::1%eth0', 'is no address or range'],
  ])('and a mistake in it is told: %s', (list, what) => {
    expect(faultOfAllowList(list)).toContain(what);
  });
});

describe('a connection is made only to', () => {
  it('public addresses, whatever name stands for them', () => {
    const target = targetOf('https://hooks.example.com/');
    const tried = ['8.8.8.8', '10.0.0.1', '::1', '::ffff:10.0.0.1', '2606:4700::1111', '64:ff9b::a00:1', '203.0.113.7'];
    expect(tried.filter((address) => mayConnect(target, address, nothing, []))).toEqual(['8.8.8.8', '2606:4700::1111']);
  });

  it('other machines than this one, so that no message goes round in a circle', () => {
    expect(mayConnect(targetOf('https://rae.example.com/'), '8.8.4.4', nothing, ['8.8.4.4'])).toBe(false);
  });

  it('what is an address at all', () => {
    expect(notPublic('example.com')).toBe('no address');
  });
});
