import { type Finding, lineAt, type TextFile } from './finding.ts';
import { isSql, type Section, sectionsOf, withoutComments } from './sql-text.ts';

const KEYS = ['takes', 'gives', 'again', 'locks', 'index'];

function sectionFaults(section: Section, sections: readonly Section[]): string[] {
  const { kind, name, header, code } = section;
  // Capitals at the end of a function's name stand for what is filled in per worker.
  const wellNamed = kind === 'statement' ? /^[a-z][A-Za-z0-9]*$/ : /^[a-z][a-z0-9_]*([A-Z]+)?$/;
  const missing = KEYS.filter((key) => !header.some((line) => new RegExp(`^-- ${key}\\s+\\S`).test(line)));
  const faults = missing.length > 0 ? [`lacks in its header: ${missing.join(', ')}`] : [];
  if (!wellNamed.test(name))
    faults.push(kind === 'statement' ? 'is not named in camelCase' : 'is not named in snake_case');
  if (sections.some((other) => other.name === name && other.line < section.line)) faults.push('is there twice');
  if (code.trim() === '') faults.push('has no SQL');
  if (kind === 'function' && code.trim() !== '' && !code.includes(name)) faults.push('does not create what it names');
  return faults.map((fault) => `${kind} "${name}" ${fault}`);
}

/** Every shipped SQL file but a migration is made of named sections, each with its whole header. */
export function sqlHeaders(files: readonly TextFile[]): Finding[] {
  return files
    .filter((file) => isSql(file) && !file.path.startsWith('migrations/'))
    .flatMap(({ path, text }) => {
      const sections = sectionsOf(text);
      const before = text.split('\n').slice(0, (sections[0]?.line ?? Number.POSITIVE_INFINITY) - 1);
      const stray = withoutComments(before.join('\n')).search(/\S/);
      const findings = sections.flatMap((section) =>
        sectionFaults(section, sections).map((says) => ({ path, line: section.line, says })),
      );
      if (stray !== -1) findings.push({ path, line: lineAt(text, stray), says: 'has SQL above its first name' });
      if (sections.length === 0) findings.push({ path, line: 1, says: 'names no statement and no function' });
      return findings;
    });
}

const HEADERS: readonly { readonly key: string; readonly wanted: RegExp }[] = [
  { key: 'why', wanted: /^-- why:[^\S\n]+\S/m },
  { key: 'locks', wanted: /^-- locks:[^\S\n]+\S/m },
  { key: 'breaking', wanted: /^-- breaking:[^\S\n]+(yes|no)\b/m },
];

/** Migrations are numbered without a gap, `NNNN_verb_noun.sql`, and say why, which locks and whether they break. */
export function migrations(files: readonly TextFile[]): Finding[] {
  const own = files.filter(({ path }) => path.startsWith('migrations/')).sort((a, b) => (a.path < b.path ? -1 : 1));
  return own.flatMap(({ path, text }, index) => {
    const expected = String(index + 1).padStart(4, '0');
    const named = /^migrations\/(\d{4})_[a-z0-9]+(_[a-z0-9]+)+\.sql$/.exec(path);
    const head = text.slice(0, /^(?!--).*\S/m.exec(text)?.index ?? text.length);
    const says = HEADERS.filter(({ wanted }) => !wanted.test(head)).map(
      ({ key }) => `lacks "-- ${key}:" in its header`,
    );
    if (named?.[1] !== expected) says.push(`is not ${expected}_verb_noun.sql, which comes next`);
    return says.map((fault) => ({ path, line: 1, says: fault }));
  });
}
