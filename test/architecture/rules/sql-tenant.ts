import { type Finding, lineAt, type TextFile } from './finding.ts';
import { isSql, sectionsOf, sqlFunctions, withoutComments } from './sql-text.ts';
import { isCode, isShipped, parse, textOf, walk } from './syntax.ts';

const SETTING = /app\.current_tenant/gi;
const ENTER = 'rae_enter_tenant';
const CURRENT = 'rae_current_tenant';

/** The tenant's setting is written in one SQL function, and read by that one, which refuses a second tenant, and one other. Comments may speak of it. */
export function tenantSetting(files: readonly TextFile[]): Finding[] {
  return files.filter(isSql).flatMap(({ path, text }) => {
    const code = withoutComments(text);
    const functions = sqlFunctions(code);
    return [...code.matchAll(SETTING)].flatMap(({ index }) => {
      const inside = functions.find(({ start, end }) => start <= index && index < end)?.name;
      const call = /(\w+)\s*\(\s*'$/.exec(code.slice(0, index))?.[1]?.toLowerCase();
      const isRead = call === 'current_setting' && (inside === CURRENT || inside === ENTER);
      if (isRead || (inside === ENTER && call === 'set_config')) return [];
      const says = `touches app.current_tenant: only ${ENTER} may set it, and only it and ${CURRENT} may read it`;
      return [{ path, line: lineAt(text, index), says }];
    });
  });
}

/** One TypeScript file enters a tenant; the setting itself is named in none. */
export function tenantEntrance(files: readonly TextFile[]): Finding[] {
  const named: Finding[] = [];
  const findings: Finding[] = [];
  for (const file of files.filter((one) => isShipped(one) && isCode(one))) {
    walk(parse(file), (node) => {
      const text = textOf(node) ?? '';
      const at = { path: file.path, line: lineAt(file.text, node.start) };
      if (text.includes('app.current_tenant')) findings.push({ ...at, says: 'names app.current_tenant' });
      if (text.includes(ENTER)) named.push({ ...at, says: `names ${ENTER}` });
    });
  }
  const paths = [...new Set(named.map(({ path }) => path))];
  const second = named.filter(({ path }) => path !== paths[0]);
  return [...findings, ...second.map((one) => ({ ...one, says: `${one.says}, as ${paths[0]} does: one file may` }))];
}

/** A role that is changed half-way is one more way to another tenant's rows. */
export function setRole(files: readonly TextFile[]): Finding[] {
  return files
    .filter(isSql)
    .flatMap(({ path, text }) =>
      [
        ...withoutComments(text).matchAll(/\bset\s+(?:(?:local|session)\s+)?(?:role\b|session\s+authorization\b)/gi),
      ].map(({ index }) => ({ path, line: lineAt(text, index), says: 'changes the role' })),
    );
}

/** A function with its owner's rights and its caller's search_path runs what the caller put in that path. */
export function definerPath(files: readonly TextFile[]): Finding[] {
  return files.filter(isSql).flatMap(({ path, text }) => {
    const code = withoutComments(text);
    const created = sqlFunctions(code).filter(
      ({ head }) => /\bsecurity\s+definer\b/i.test(head) && !/\bset\s+search_path\b/i.test(head),
    );
    const altered = [...code.matchAll(/\balter\s+(?:function|procedure|routine)\b[^;]*\bsecurity\s+definer\b[^;]*/gi)];
    return [
      ...created.map(({ name, start }) => ({ start, name })),
      ...altered
        .filter(([all]) => !/\bset\s+search_path\b/i.test(all))
        .map(({ index }) => ({ start: index, name: 'a function' })),
    ].map(({ start, name }) => ({
      path,
      line: lineAt(text, start),
      says: `makes ${name} security definer without search_path`,
    }));
  });
}

/** The text between the bracket that opens at or after `from` and the one that closes it. */
function bracketed(code: string, from: number): string {
  const open = code.indexOf('(', from);
  let depth = 0;
  for (let at = open; at !== -1 && at < code.length; at += 1) {
    depth += code[at] === '(' ? 1 : code[at] === ')' ? -1 : 0;
    if (depth === 0) return code.slice(open + 1, at);
  }
  return '';
}

/** The tables with a tenant_id, as the migrations make them. */
export function tenantTables(files: readonly TextFile[]): string[] {
  const tables = new Set<string>();
  for (const file of files.filter(({ path }) => path.startsWith('migrations/'))) {
    const code = withoutComments(file.text).toLowerCase();
    for (const made of code.matchAll(
      /\bcreate\s+(?:unlogged\s+)?table\s+(?:if\s+not\s+exists\s+)?(?:\w+\.)?(\w+)\s*(?=\()/g,
    )) {
      if (/\btenant_id\b/.test(bracketed(code, made.index))) tables.add(made[1] ?? '');
    }
    for (const added of code.matchAll(
      /\balter\s+table\s+(?:only\s+)?(?:\w+\.)?(\w+)[^;]*\badd\s+(?:column\s+)?tenant_id\b/g,
    )) {
      tables.add(added[1] ?? '');
    }
    for (const part of code.matchAll(/\btable\s+(?:\w+\.)?(\w+)\s+partition\s+of\s+(?:\w+\.)?(\w+)/g)) {
      if (tables.has(part[2] ?? '')) tables.add(part[1] ?? '');
    }
  }
  return [...tables].sort();
}

const NO_ALIAS =
  'set|where|on|using|join|left|right|inner|cross|full|order|group|limit|for|returning|values|natural|union|default|select|tablesample';

interface Reference {
  readonly table: string;
  readonly alias: string;
  readonly index: number;
  readonly inserts: boolean;
}

function references(code: string, table: string): Reference[] {
  const pattern = new RegExp(
    `(\\binsert\\s+into\\s+|\\b(?:from|join|update|into|using)\\s+(?:only\\s+)?|,\\s*)(?:public\\.)?${table}\\b(?!\\.)(?:\\s+(?:as\\s+)?(?!(?:${NO_ALIAS})\\b)(\\w+))?`,
    'gi',
  );
  return [...code.matchAll(pattern)]
    .filter((found) => !(found[1] ?? '').startsWith(',') || /\bfrom\b[^;]*$/i.test(code.slice(0, found.index)))
    .map((found) => ({
      table,
      alias: (found[2] ?? table).toLowerCase(),
      index: found.index,
      inserts: /^insert/i.test(found[1] ?? ''),
    }));
}

/** `column` compared with something, alone or as the first of a row. */
function compared(column: string): RegExp {
  return new RegExp(
    `${column}\\s*(?:=|in\\b)|=\\s*${column}(?![\\w.])|\\(\\s*${column}\\s*,[^()]*\\)\\s*(?:=|<|>|in\\b)`,
    'gi',
  );
}

/** Every reference to a tenant table in a worker's statement names its tenant; row security is the second lock. */
export function explicitTenant(files: readonly TextFile[]): Finding[] {
  const tables = tenantTables(files);
  return files
    .filter((file) => isSql(file) && file.path.startsWith('workers/'))
    .flatMap(({ path, text }) =>
      sectionsOf(text).flatMap((section) => {
        const code = section.code.toLowerCase();
        const open = tables
          .flatMap((table) => references(code, table))
          .filter(({ alias, index, inserts }) =>
            inserts
              ? !/\btenant_id\b/.test(bracketed(code, index))
              : !compared(`\\b${alias}\\.tenant_id`).test(code) && !/\busing\s*\(\s*tenant_id\b/.test(code),
          );
        // What names its tenant without saying whose column it is can stand for one reference, not for all.
        const bare = [...code.matchAll(compared('(?<![\\w.])tenant_id'))].length;
        return open
          .sort((a, b) => a.index - b.index)
          .filter(({ inserts }, index) => inserts || index >= bare)
          .map(({ table }) => ({
            path,
            line: section.line,
            says: `${section.kind} "${section.name}" touches ${table} without a condition on its tenant_id`,
          }));
      }),
    );
}
