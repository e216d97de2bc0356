import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, isAbsolute, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Variables } from '../config/given.ts';

/** Two checkouts on one machine each have a last fleet of their own. */
const root = fileURLToPath(new URL('../../', import.meta.url)).replace(/\/\.build\/$/, '/');

function pointer(env: Variables): string {
  const { XDG_STATE_HOME: xdg, HOME: home } = env;
  const state = xdg !== undefined && isAbsolute(xdg) ? xdg : join(home || homedir(), '.local', 'state');
  return join(state, 'rae-fleet', `last-${createHash('sha256').update(root).digest('hex').slice(0, 12)}`);
}

/** The data directory that `rae up` of this checkout used last; undefined where it never ran. */
export function lastDataDir(env: Variables): string | undefined {
  try {
    const dir = readFileSync(pointer(env), 'utf8').trim();
    return isAbsolute(dir) ? dir : undefined;
  } catch {
    return undefined;
  }
}

/** Remembers `dataDir` (absolute) for commands that name none. A home that cannot be written is no reason to fail. */
export function rememberDataDir(env: Variables, dataDir: string): void {
  try {
    mkdirSync(dirname(pointer(env)), { recursive: true, mode: 0o700 });
    writeFileSync(pointer(env), `${dataDir}\n`, { mode: 0o600 });
  } catch {
    // The next command says that it found no fleet, and that --data names one.
  }
}
