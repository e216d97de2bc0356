import { type Finding, lineAt, type TextFile } from './finding.ts';
import { isCode, isShipped, parse, textOf, walk } from './syntax.ts';

/** How SQL begins. Narrow on purpose: "update available" and "select a tenant" are English. */
const BEGINNINGS = [
  /^select(\s+(distinct|all)\b|\s*\*|\s+[\w.$"'{}:]+(\s*[(,:]|\s+(as|from)\b|\s*$)|\s+['(]|\s*$)/,
  /^insert\s+into\b/,
  /^update\s+[\w."$]+(\s+(as\s+)?\w+)?\s+set\b/,
  /^delete\s+from\b/,
  /^with\s+(recursive\s+)?\w+(\s*\([^)]*\))?\s+as\s+((not\s+)?materialized\s*)?\(/,
  /^(create|alter|drop)\s+(or\s+replace\s+)?(temp\s+|temporary\s+|unlogged\s+|unique\s+)?(table|index|function|procedure|role|user|schema|database|extension|policy|trigger|view|type|sequence|materialized)\b/,
  /^truncate(\s+table)?\s+[\w."$]+\s*;?$/,
  /^(listen|unlisten)\s+["\w$*]+\s*;?$/,
  /^notify\s+["\w$]+\s*(,|;|$)/,
  /^call\s+[\w.{}$]+\s*\(/,
  /^set\s+(local|session)\s+\w/,
  /^(grant|revoke)\s+[\w\s,]+\son\s/,
  /^(begin|commit|rollback)\s*;?$/,
];

/** True for text that begins like an SQL statement. */
export function looksLikeSql(text: string): boolean {
  const start = text.trim().toLowerCase();
  return BEGINNINGS.some((beginning) => beginning.test(start));
}

/** SQL stands in `.sql` files, where it has a name, a header and a test; in code only in src/db. */
export function sqlInCode(files: readonly TextFile[]): Finding[] {
  const outside = files.filter((file) => isShipped(file) && isCode(file) && !file.path.startsWith('src/db/'));
  return outside.flatMap((file) => {
    const found: Finding[] = [];
    walk(parse(file), (node, parent) => {
      const text = textOf(node);
      if (text === undefined || parent?.type === 'TSLiteralType' || !looksLikeSql(text)) return;
      const says = `holds SQL: ${text.trim().split('\n')[0]?.slice(0, 60)}`;
      found.push({ path: file.path, line: lineAt(file.text, node.start), says });
    });
    return found;
  });
}
