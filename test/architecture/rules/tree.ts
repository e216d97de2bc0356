import { readdirSync, readFileSync } from 'node:fs';
import { join, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { TextFile } from './finding.ts';

const root = fileURLToPath(new URL('../../../', import.meta.url));
const FOLDERS = ['src', 'workers', 'queues', 'migrations', 'test', 'bench', 'deploy'];
const ENDINGS = ['.ts', '.mts', '.cts', '.js', '.mjs', '.cjs', '.sql'];

/** What stands at the top of the repository, without what .gitignore names. */
export function topLevel(): string[] {
  const ignored = readFileSync(join(root, '.gitignore'), 'utf8')
    .split('\n')
    .map((line) => line.replace(/\/$/, ''));
  return readdirSync(root).filter(
    (name) => !ignored.includes(name) && !ignored.includes(`*${name.slice(name.lastIndexOf('.'))}`),
  );
}

/** Every code and SQL file of the repository. */
export function repository(): TextFile[] {
  return topLevel()
    .filter((name) => FOLDERS.includes(name))
    .flatMap((folder) => readdirSync(join(root, folder), { recursive: true, withFileTypes: true }))
    .filter((entry) => entry.isFile() && ENDINGS.some((ending) => entry.name.endsWith(ending)))
    .map((entry) => relative(root, join(entry.parentPath, entry.name)).split(sep).join('/'))
    .sort()
    .map((path) => ({ path, text: readFileSync(join(root, path), 'utf8') }));
}
