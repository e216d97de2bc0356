import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { isProgram } from './on-path.ts';

/** Where a tree of unpacked packages keeps its shared libraries, as an environment for its programs. */
export function librariesOf(root: string): Readonly<Record<string, string>> {
  const folders = ['lib', 'usr/lib'].flatMap((lib) => {
    try {
      const below = readdirSync(join(root, lib)).filter((name) => /-linux-/.test(name));
      return [...below.map((name) => join(root, lib, name)), join(root, lib)];
    } catch {
      return [];
    }
  });
  return { LD_LIBRARY_PATH: folders.join(':') };
}

/** The server program in a tree of unpacked packages. */
export function serverIn(root: string): string | undefined {
  return ['valkey-server', 'redis-server'].map((name) => join(root, 'usr', 'bin', name)).find(isProgram);
}
