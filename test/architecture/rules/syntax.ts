import { parseAst } from 'vitest/node';
import type { TextFile } from './finding.ts';

/** A node of the syntax tree (ESTree with TypeScript), as far as the rules look at it. */
export interface Node {
  readonly type: string;
  readonly start: number;
  readonly end: number;
  readonly [key: string]: unknown;
}

/** True for TypeScript and JavaScript. */
export function isCode(file: TextFile): boolean {
  return /\.[cm]?[jt]s$/.test(file.path);
}

/** True for what is shipped; tests and benchmarks are not. */
export function isShipped(file: TextFile): boolean {
  return /^(src|workers|queues)\//.test(file.path);
}

/** Trees by file: every rule asks for the same ones. */
const trees = new WeakMap<TextFile, Node>();

/** The syntax tree of a file. Throws, with the file's name, where it does not parse. */
export function parse(file: TextFile): Node {
  const tree = trees.get(file) ?? parsed(file);
  trees.set(file, tree);
  return tree;
}

function parsed(file: TextFile): Node {
  try {
    return parseAst(file.text, { lang: /ts$/.test(file.path) ? 'ts' : 'js' }) as unknown as Node;
  } catch (error) {
    throw new Error(`${file.path} does not parse: ${error instanceof Error ? error.message : error}`);
  }
}

export function isNode(value: unknown): value is Node {
  return typeof value === 'object' && value !== null && typeof (value as { type?: unknown }).type === 'string';
}

/** The nodes directly below `node`, in no particular order. */
export function children(node: Node): Node[] {
  return Object.values(node).flat().filter(isNode);
}

/** Calls `visit` with every node of the tree and its parent. */
export function walk(node: Node, visit: (node: Node, parent: Node | undefined) => void, parent?: Node): void {
  visit(node, parent);
  for (const child of children(node)) walk(child, visit, node);
}

/** The name an identifier or a string literal spells, as in `a`, `x.a` or `x['a']`. */
export function nameOf(value: unknown): string | undefined {
  if (!isNode(value)) return undefined;
  if (value.type === 'Identifier' || value.type === 'PrivateIdentifier') return String(value.name);
  return textOf(value);
}

/**
 * The text of a string or template literal, with `$1` in place of what is filled in: enough to recognise what kind of
 * text it is.
 */
export function textOf(value: unknown): string | undefined {
  if (!isNode(value)) return undefined;
  if (value.type === 'Literal') return typeof value.value === 'string' ? value.value : undefined;
  if (value.type !== 'TemplateLiteral' || !Array.isArray(value.quasis)) return undefined;
  return value.quasis.map((part: { value: { raw: string } }) => part.value.raw).join('$1');
}
