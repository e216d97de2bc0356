import { posix } from 'node:path';
import { type Finding, lineAt, type TextFile } from './finding.ts';
import { layerOf, rankOf } from './layers.ts';
import { isCode, isNode, isShipped, type Node, nameOf, parse, textOf, walk } from './syntax.ts';

/** One import of a file, of whatever kind: static, type only, re-export, dynamic, `import('…').T` or require. */
export interface Import {
  readonly line: number;
  /** The statement's first line, as written. */
  readonly source: string;
  /** What stands in the quotes; undefined where it is computed. */
  readonly wanted: string | undefined;
}

const IMPORTING = [
  'ImportDeclaration',
  'ExportNamedDeclaration',
  'ExportAllDeclaration',
  'ImportExpression',
  'TSImportType',
];

function wantedBy(node: Node): { readonly value: unknown } | undefined {
  if (IMPORTING.includes(node.type)) return isNode(node.source) ? { value: node.source } : undefined;
  if (node.type === 'TSImportEqualsDeclaration' && isNode(node.moduleReference)) {
    return { value: node.moduleReference.expression };
  }
  const called = node.type === 'CallExpression' && nameOf(node.callee) === 'require';
  return called && Array.isArray(node.arguments) ? { value: node.arguments[0] } : undefined;
}

/** Every import of a file, in order. */
export function importsOf(file: TextFile): Import[] {
  const found: { readonly start: number; readonly wanted: string | undefined }[] = [];
  walk(parse(file), (node) => {
    const by = wantedBy(node);
    if (by !== undefined) found.push({ start: node.start, wanted: textOf(by.value) });
  });
  return found.map(({ start, wanted }) => {
    const line = lineAt(file.text, start);
    return { line, wanted, source: (file.text.split('\n')[line - 1] ?? '').trim() };
  });
}

/** Where a relative import leads, from the repository's root; undefined for a library or a Node module. */
export function target(from: string, wanted: string): string | undefined {
  return wanted.startsWith('.') ? posix.join(posix.dirname(from), wanted) : undefined;
}

function wrongDirection(from: string, to: string): string | undefined {
  const [own, other] = [layerOf(from), layerOf(to)];
  if (own === undefined || other === undefined) return `leaves the layers (${to})`;
  if (own === other) return undefined;
  const [ownRank, otherRank] = [rankOf(own), rankOf(other)];
  if (otherRank === undefined || ownRank === undefined) return undefined;
  if (otherRank < ownRank) return undefined;
  return otherRank === ownRank
    ? `is sideways: ${own} and ${other} have one rank`
    : `is upwards: ${own} is below ${other}`;
}

/** Every shipped file imports from its own folder or a lower rank, and stands in a folder that has a rank. */
export function importOrder(files: readonly TextFile[]): Finding[] {
  return files
    .filter((file) => isShipped(file) && isCode(file))
    .flatMap((file) => {
      const layer = layerOf(file.path);
      if (layer === undefined || rankOf(layer) === undefined) {
        return [
          { path: file.path, line: 1, says: `stands in no layer: ${layer ?? 'none'} is not in the import order` },
        ];
      }
      return importsOf(file).flatMap(({ line, source, wanted }) => {
        const to = wanted === undefined ? undefined : target(file.path, wanted);
        const wrong = to === undefined ? undefined : wrongDirection(file.path, to);
        return wrong === undefined ? [] : [{ path: file.path, line, says: `${source} ${wrong}` }];
      });
    });
}

/**
 * A computed import can be followed by no check, so only the catalogue has one: it finds the worker folders. A plain
 * launcher (`.mjs` in src/main) stands outside the build and may.
 */
export function computedImports(files: readonly TextFile[]): Finding[] {
  return files
    .filter(
      (file) =>
        isShipped(file) &&
        isCode(file) &&
        file.path !== 'workers/index.ts' &&
        !/^src\/main\/[\w-]+\.mjs$/.test(file.path),
    )
    .flatMap((file) =>
      importsOf(file)
        .filter(({ wanted }) => wanted === undefined || wanted.includes('$1'))
        .map(({ line, source }) => ({ path: file.path, line, says: `${source} imports what no check can follow` })),
    );
}
