import { accessSync, constants, readdirSync, realpathSync, statSync } from 'node:fs';
import { delimiter, dirname, isAbsolute, join } from 'node:path';
import type { Env } from './service.ts';

/** True for a file that may be run. */
export function isProgram(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return statSync(file).isFile();
  } catch {
    return false;
  }
}

/** Every program of this name on the PATH, in its order. Relative entries are passed over. */
export function programsNamed(name: string, env: Env): readonly string[] {
  const folders = (env.PATH ?? '').split(delimiter).filter(isAbsolute);
  return [...new Set(folders)].map((folder) => join(folder, name)).filter(isProgram);
}

/** Where packages put Postgres outside the PATH; `*` stands for a version. */
const INSTALLED = [
  '/usr/lib/postgresql/*/bin',
  '/usr/pgsql-*/bin',
  '/opt/homebrew/opt/postgresql@*/bin',
  '/usr/local/opt/postgresql@*/bin',
];

function expand(pattern: string): readonly string[] {
  const [before = '', after = ''] = pattern.split('*');
  const [folder, start] = before.endsWith('/')
    ? [before, '']
    : [dirname(before), before.slice(dirname(before).length + 1)];
  try {
    return readdirSync(folder)
      .filter((name) => name.startsWith(start))
      .map((name) => join(folder, name + after));
  } catch {
    return [];
  }
}

/** Folders that hold `postgres` and `initdb` side by side: those of the PATH first, then where packages put them. */
export function postgresFolders(env: Env): readonly string[] {
  const onPath = programsNamed('postgres', env).flatMap((file) => {
    // A link into another folder brings initdb along only there.
    return [dirname(realpathSync(file)), dirname(file)];
  });
  const folders = [...onPath, ...INSTALLED.flatMap(expand)];
  return [...new Set(folders)].filter((folder) =>
    ['postgres', 'initdb'].every((name) => isProgram(join(folder, name))),
  );
}
