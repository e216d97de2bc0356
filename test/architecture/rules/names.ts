import type { Finding, TextFile } from './finding.ts';

const ALLOWED_AT_THE_TOP: readonly string[] = [
  ...['src', 'workers', 'queues', 'migrations', 'test', 'bench', 'deploy', 'docs'],
  ...['package.json', 'package-lock.json', 'tsconfig.json', 'docker-compose.yml', 'README.md', 'LICENSE'],
];

/** What must be at the top of the repository. */
const EXPECTED_AT_THE_TOP = [
  'src',
  'test',
  'package.json',
  'package-lock.json',
  'tsconfig.json',
  'README.md',
  'LICENSE',
];

/** The top of the repository holds what the design names and dotfiles, nothing else. */
export function topLevelRule(names: readonly string[]): Finding[] {
  const extra = names.filter((name) => !name.startsWith('.') && !ALLOWED_AT_THE_TOP.includes(name));
  const missing = EXPECTED_AT_THE_TOP.filter((name) => !names.includes(name));
  return [
    ...extra.map((path) => ({ path, line: 1, says: 'does not belong at the top of the repository' })),
    ...missing.map((path) => ({ path, line: 1, says: 'is missing at the top of the repository' })),
  ];
}

/** Words that say where something was put and not what it is. */
const EMPTY_WORDS = ['util', 'utils', 'helper', 'helpers', 'common', 'misc', 'manager', 'managers', 'stuff'];
const EMPTY_STEMS = ['types', 'interfaces', 'lib', 'shared'];

const KEBAB = /^[a-z0-9]+(-[a-z0-9]+)*$/;

function nameFault(path: string): string | undefined {
  const segments = path.split('/').slice(1);
  const file = segments.at(-1) ?? '';
  const folders = segments.slice(0, -1);
  if (![...folders, ...file.split('.')].every((part) => KEBAB.test(part))) return 'is not kebab-case';
  const stem = file.split('.')[0] ?? '';
  const empty = [...folders, stem].find(
    (part) => EMPTY_STEMS.includes(part) || part.split('-').some((word) => EMPTY_WORDS.includes(word)),
  );
  if (empty !== undefined) return `is named for a drawer (${empty}), not for the noun it holds`;
  const folder = folders.at(-1);
  return folder !== undefined && stem.startsWith(`${folder}-`) ? `repeats its folder's name (${folder})` : undefined;
}

/** Code files and their folders are kebab-case and named by the noun they hold. Migrations have a rule of their own. */
export function fileNames(files: readonly TextFile[]): Finding[] {
  return files
    .filter(({ path }) => !path.startsWith('migrations/') && !path.startsWith('deploy/'))
    .flatMap(({ path }) => {
      const says = nameFault(path);
      return says === undefined ? [] : [{ path, line: 1, says }];
    });
}
