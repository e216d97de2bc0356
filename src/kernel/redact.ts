const HIDDEN = '***';
const SECRET_NAME = /pass(word|wd|phrase)?$|secret|token|api_?key|authorization|credential/i;
const QUOTED_URL = /([a-z][a-z0-9+.-]{0,30}:\/\/)[^\s"'`<>]*@/gi;
const QUOTED_PAIR = /\b([a-z_]*(?:password|passwd|secret|token|api_?key))(["']?\s*[=:]\s*["']?)[^\s"',;&]+/gi;

/** True for the name of a field whose value must not be shown: password, token, secret, api_key and the like. */
export function isSecretName(name: string): boolean {
  return SECRET_NAME.test(name);
}

/**
 * A connection URL that may be shown: host, port, user and database stay, every password becomes `***`.
 * Text that is not plainly a URL is hidden whole but for its scheme, since a password with `/`, `#` or `@` in it makes
 * parsers take parts of it for host or path.
 */
export function redactUrl(url: string): string {
  const scheme = /^[a-z][a-z0-9+.-]{0,30}:\/\//i.exec(url)?.[0];
  if (scheme === undefined) return HIDDEN;
  let parsed: URL;
  try {
    parsed = new URL(url);
  } catch {
    return `${scheme}${HIDDEN}`;
  }
  if (/[@\s]/.test(parsed.pathname + parsed.search) || parsed.hash !== '') return `${scheme}${HIDDEN}`;
  if (parsed.password !== '') parsed.password = HIDDEN;
  // `redis://secret@host` is a common slip for `redis://:secret@host`: the lone user is a password.
  else if (parsed.protocol.startsWith('redis') && parsed.username !== '') parsed.username = HIDDEN;
  for (const name of [...parsed.searchParams.keys()]) {
    if (isSecretName(name)) parsed.searchParams.set(name, HIDDEN);
  }
  return parsed.href;
}

/** A message that may be shown: credentials in URLs and `password=…` pairs within it become `***`. */
export function redactText(text: string): string {
  return text.replace(QUOTED_URL, `$1${HIDDEN}@`).replace(QUOTED_PAIR, `$1$2${HIDDEN}`);
}
