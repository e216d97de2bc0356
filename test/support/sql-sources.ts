import { readdirSync, readFileSync } from 'node:fs';
import { relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseSqlFile } from '../../src/db/sql-file.ts';
import type { FleetRole } from './login-role.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** A named statement as its file has it. */
export interface SqlSource {
  readonly file: string;
  readonly name: string;
  /** The line of the header that says what it takes. */
  readonly takes: string;
  readonly body: string;
  /** Who sends it; undefined where nothing says so. */
  readonly role: FleetRole | 'admin' | undefined;
}

/** Who sends a statement where neither it nor the head of its file says so; the longest match counts. */
const SENDERS: Readonly<Record<string, SqlSource['role']>> = {
  'src/cli/up/logins.sql': 'admin',
  'src/db/': 'rae_worker',
  'src/db/migrate.sql': 'admin',
  'src/dispatch/': 'rae_scheduler',
  'src/fleet/': 'rae_worker',
  'src/ledger/statements.sql': 'rae_worker',
  'src/ledger/stats.sql': 'rae_scheduler',
  'src/ledger/upkeep.sql': 'rae_scheduler',
  'src/schedule/': 'rae_scheduler',
  'src/tenant/plan.sql': 'rae_operator',
  'workers/': 'rae_worker',
};

function senderOf(file: string, text: string, takes: string): SqlSource['role'] {
  if (/; as any role/.test(takes)) return 'rae_worker';
  const head = text.split('-- statement:')[0] ?? '';
  const said = /; as (rae_\w+)/.exec(takes)?.[1] ?? /^-- .*\b(?:role|as) (rae_\w+)/im.exec(head)?.[1];
  if (said !== undefined) return said as FleetRole;
  const [best] = Object.keys(SENDERS)
    .filter((prefix) => file.startsWith(prefix))
    .sort((a, b) => b.length - a.length);
  return best === undefined ? undefined : SENDERS[best];
}

/** Every named statement of every SQL file of the shipped folders. */
export function sqlSources(): readonly SqlSource[] {
  return ['src', 'workers', 'queues'].flatMap((folder) =>
    readdirSync(`${root}/${folder}`, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile() && entry.name.endsWith('.sql'))
      .map((entry) => relative(root, `${entry.parentPath}/${entry.name}`))
      .sort()
      .flatMap((file) => {
        const text = readFileSync(`${root}/${file}`, 'utf8');
        if (!/^-- statement: /m.test(text)) return [];
        return parseSqlFile(file, text, 'statement').map(({ name, header, body }) => ({
          file,
          name,
          takes: header.takes ?? '',
          body,
          role: senderOf(file, text, header.takes ?? ''),
        }));
      }),
  );
}

/** `$1 tenant uuid, $2 most int (null = all)` as the types by place; undefined where a place is missing or doubled. */
export function typesTaken(takes: string): readonly string[] | undefined {
  const parts = takes.split(/,\s*(?=\$\d+ )|;\s*(?=\$\d+ )/).filter((part) => /^\$\d+ /.test(part));
  const types = parts.map((part) => {
    const words = part
      .replace(/\s*[(:;].*$/s, '')
      .replace(/ or null$/, '')
      .trim()
      .split(/\s+/);
    return words.at(-1) ?? '';
  });
  return parts.every((part, index) => part.startsWith(`$${index + 1} `)) ? types : undefined;
}
