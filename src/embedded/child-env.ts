import type { Env } from './service.ts';

const SYSTEM_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';
const PROXIES = ['http_proxy', 'https_proxy', 'ftp_proxy', 'no_proxy', 'HTTP_PROXY', 'HTTPS_PROXY', 'NO_PROXY'];

/**
 * The environment of the programs started here: a plain locale, so that their words can be read, and nothing
 * inherited, so that PGPORT, PGDATA, LD_PRELOAD and their like change nothing.
 */
export function childEnv(env: Env, extra: Readonly<Record<string, string>> = {}): Record<string, string> {
  const proxies = PROXIES.flatMap((name) => (env[name] === undefined ? [] : [[name, env[name]]]));
  // The caller's own PATH comes first and may be anything; a shell must still find `sleep` and `rm`.
  const path = env.PATH ? `${env.PATH}:${SYSTEM_PATH}` : SYSTEM_PATH;
  return { PATH: path, LC_ALL: 'C', TZ: 'UTC', ...Object.fromEntries(proxies), ...extra };
}
