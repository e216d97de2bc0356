import { type Finding, lineAt, type TextFile } from './finding.ts';
import { isCode, isNode, isShipped, type Node, nameOf, parse, walk } from './syntax.ts';

const DOCUMENTED = ['FunctionDeclaration', 'TSDeclareFunction', 'ClassDeclaration', 'TSInterfaceDeclaration'];
const FUNCTION_VALUES = ['ArrowFunctionExpression', 'FunctionExpression', 'ClassExpression'];

/** Only `workers/<name>/worker.ts` has a default export: the catalogue takes it from there. */
export function defaultExports(files: readonly TextFile[]): Finding[] {
  return files
    .filter((file) => isShipped(file) && isCode(file))
    .flatMap((file) => {
      if (/^workers\/[^/]+\/worker\.ts$/.test(file.path)) return [];
      const found: Finding[] = [];
      walk(parse(file), (node) => {
        const named = node.type === 'ExportSpecifier' && nameOf(node.exported) === 'default';
        if (!named && node.type !== 'ExportDefaultDeclaration') return;
        found.push({
          path: file.path,
          line: lineAt(file.text, node.start),
          says: 'has a default export; only a worker.ts has',
        });
      });
      return found;
    });
}

/** No enum anywhere: a frozen object says the same and is plain JavaScript. */
export function enums(files: readonly TextFile[]): Finding[] {
  return files.filter(isCode).flatMap((file) => {
    const found: Finding[] = [];
    walk(parse(file), (node) => {
      if (node.type !== 'TSEnumDeclaration') return;
      found.push({ path: file.path, line: lineAt(file.text, node.start), says: `declares enum ${nameOf(node.id)}` });
    });
    return found;
  });
}

interface Declared {
  readonly name: string;
  readonly start: number;
}

/** The functions, classes and interfaces among what a top-level statement declares. */
function declaredBy(declaration: unknown, start: number): Declared[] {
  if (!isNode(declaration)) return [];
  if (DOCUMENTED.includes(declaration.type)) return [{ name: nameOf(declaration.id) ?? 'default', start }];
  if (declaration.type !== 'VariableDeclaration' || !Array.isArray(declaration.declarations)) return [];
  return declaration.declarations
    .filter((one: Node) => isNode(one.init) && FUNCTION_VALUES.includes(one.init.type))
    .map((one: Node) => ({ name: nameOf(one.id) ?? '', start }));
}

/** What a file exports and must document, whether exported where it is declared or by a list further down. */
function exported(program: Node): Declared[] {
  const body = (Array.isArray(program.body) ? program.body : []).filter(isNode);
  const exporting = body.filter(({ type }) => type === 'ExportNamedDeclaration' || type === 'ExportDefaultDeclaration');
  const listed = exporting
    .filter(({ source }) => !isNode(source))
    .flatMap(({ specifiers }) => (Array.isArray(specifiers) ? specifiers.filter(isNode) : []))
    .map(({ local }) => nameOf(local));
  const direct = exporting.flatMap((node) => declaredBy(node.declaration, node.start));
  const later = body.flatMap((node) => declaredBy(node, node.start)).filter(({ name }) => listed.includes(name));
  // The second and further signatures of an overloaded function share the words above the first.
  return [...direct, ...later].filter(
    ({ name }, index, all) => all.findIndex((other) => other.name === name) === index,
  );
}

/** True when a doc comment ends directly above `start`; line comments (a lint suppression) may stand between. */
function isDocumented(text: string, start: number): boolean {
  let above = text.slice(0, start).trimEnd();
  while (/^[^\S\n]*\/\/[^\n]*$/.test(above.slice(above.lastIndexOf('\n') + 1))) {
    above = above.slice(0, above.lastIndexOf('\n') + 1).trimEnd();
  }
  return above.endsWith('*/') && above.slice(above.lastIndexOf('/*')).startsWith('/**');
}

/** Every exported function, class and interface of src and queues says what it is for, directly above it. */
export function docstrings(files: readonly TextFile[]): Finding[] {
  const documented = files.filter((file) => isCode(file) && /^(src|queues)\//.test(file.path));
  return documented.flatMap((file) =>
    exported(parse(file))
      .filter(({ start }) => !isDocumented(file.text, start))
      .map(({ name, start }) => ({
        path: file.path,
        line: lineAt(file.text, start),
        says: `exports ${name} without a docstring`,
      })),
  );
}
