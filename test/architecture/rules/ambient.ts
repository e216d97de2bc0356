import { type Finding, lineAt, type TextFile } from './finding.ts';
import { isCode, isNode, isShipped, type Node, nameOf, parse, textOf, walk } from './syntax.ts';

/** What is there without being handed in: each has one reader, so that a test can hold it still. */
type Ambient = 'environment' | 'console' | 'time';

const TIMERS = ['setTimeout', 'setInterval'];
const GLOBALS = ['globalThis', 'global'];

/** `x` of `globalThis.x` and of plain `x`; undefined for a member of anything else. */
function globalName(node: unknown): string | undefined {
  if (!isNode(node)) return undefined;
  if (node.type === 'Identifier') return String(node.name);
  const owner = node.type === 'MemberExpression' ? nameOf(node.object) : undefined;
  return owner !== undefined && GLOBALS.includes(owner) ? nameOf(node.property) : undefined;
}

function isEnvironment(node: Node): boolean {
  if (node.type === 'MemberExpression') return globalName(node.object) === 'process' && nameOf(node.property) === 'env';
  if (node.type === 'VariableDeclarator' && globalName(node.init) === 'process' && isNode(node.id)) {
    const properties = Array.isArray(node.id.properties) ? node.id.properties : [];
    return properties.some((property) => isNode(property) && nameOf(property.key) === 'env');
  }
  return importsName(node, 'process', ['env']);
}

function isConsole(node: Node): boolean {
  return (
    (node.type === 'MemberExpression' && globalName(node.object) === 'console') ||
    importsName(node, 'console', ['log', 'error', 'warn', 'info', 'default'])
  );
}

function isTime(node: Node): boolean {
  const called = globalName(node.callee);
  const bare = Array.isArray(node.arguments) && node.arguments.length === 0;
  if (node.type === 'NewExpression') return called === 'Date' && bare;
  if (node.type === 'MemberExpression') return globalName(node.object) === 'Date' && nameOf(node.property) === 'now';
  if (node.type === 'CallExpression') return called === 'Date' || (called !== undefined && TIMERS.includes(called));
  return importsName(node, 'timers', TIMERS) || importsName(node, 'timers/promises', TIMERS);
}

/** True for `import { name } from 'node:from'`, under whatever name it comes in. */
function importsName(node: Node, from: string, names: readonly string[]): boolean {
  if (node.type !== 'ImportDeclaration' || textOf(node.source)?.replace(/^node:/, '') !== from) return false;
  const specifiers = Array.isArray(node.specifiers) ? node.specifiers.filter(isNode) : [];
  return specifiers.some((one) =>
    names.includes(one.type === 'ImportDefaultSpecifier' ? 'default' : (nameOf(one.imported) ?? '')),
  );
}

const FINDS: Readonly<Record<Ambient, (node: Node) => boolean>> = {
  environment: isEnvironment,
  console: isConsole,
  time: isTime,
};

/** Every place of the shipped code that takes `what` from the air, one per line. */
export function ambient(what: Ambient, files: readonly TextFile[]): Finding[] {
  return files
    .filter((file) => isShipped(file) && isCode(file))
    .flatMap((file) => {
      const lines = new Set<number>();
      walk(parse(file), (node) => {
        if (FINDS[what](node)) lines.add(lineAt(file.text, node.start));
      });
      return [...lines].map((line) => ({
        path: file.path,
        line,
        says: `${(file.text.split('\n')[line - 1] ?? '').trim()} takes the ${what} from the air`,
      }));
    });
}
