/** The kinds of service a URL may point at, with the schemes each accepts. */
export const SCHEMES = Object.freeze({
  postgres: ['postgres:', 'postgresql:'],
  redis: ['redis:', 'rediss:'],
  smtp: ['smtp:', 'smtps:'],
  http: ['https:', 'http:'],
});

const SSL_MODES: readonly string[] = ['disable', 'prefer', 'require', 'verify-ca', 'verify-full', 'no-verify'];

/**
 * What is wrong with a service's URL, as the rest of a sentence that begins with its name; undefined when it is fine.
 * Never repeats any part of the URL: where it is malformed, a password may be anywhere in it.
 */
export function faultOfUrl(text: string, kind: keyof typeof SCHEMES): string | undefined {
  if (/\s/.test(text)) return 'contains white space';
  if (!/^[a-z][a-z0-9+.-]*:\/\//i.test(text)) return 'is not a URL';
  if (!URL.canParse(text))
    return 'cannot be parsed (write # / ? @ % in a password as %23 %2F %3F %40 %25; a port is at most 65535)';
  const url = new URL(text);
  if (!SCHEMES[kind].includes(url.protocol)) return `does not begin with ${SCHEMES[kind].join('// or ')}//`;
  // Unescaped, these end the host early, and the rest of the password would be taken for a database name.
  if (url.pathname.includes('@') || url.hash !== '') return 'has an unescaped / ? or # (write %2F %3F %23)';
  if (/%(?![0-9a-f]{2})/i.test(text)) return 'has a % that is not followed by two hex digits (write % as %25)';
  // A Postgres socket folder is named by ?host=/run/postgresql and leaves the host empty.
  const socket = kind === 'postgres' && url.searchParams.get('host');
  if (url.hostname === '' && !socket) return 'names no host';
  // Left out, it would be whatever the user is called.
  if (kind === 'postgres' && url.pathname.length < 2) return 'names no database';
  const mode = kind === 'postgres' ? url.searchParams.get('sslmode') : null;
  if (mode !== null && !SSL_MODES.includes(mode)) return `has an sslmode that is not one of ${SSL_MODES.join(', ')}`;
  if (kind === 'redis' && !/^\/?\d{0,5}$/.test(url.pathname)) return 'has a path that is not a database number';
  if (kind === 'smtp') return faultOfMail(url);
  return undefined;
}

function faultOfMail({ pathname, searchParams }: URL): string | undefined {
  if (pathname !== '' && pathname !== '/') return 'has a path';
  const odd = [...searchParams.keys()].some((name) => name !== 'from');
  if (odd) return 'has something other than from=… after the ?';
  const from = searchParams.get('from');
  return from === null || /^[^\s@<>"]+@[^\s@<>"]+$/.test(from) ? undefined : 'has a from=… that is no e-mail address';
}
