import { type Finding, lineAt, type TextFile } from './finding.ts';
import { isCode, type Node, nameOf, parse, walk } from './syntax.ts';

const SOURCE_LINES = 250;
const TEST_LINES = 400;
const MAIN_LINES = 30;
const FUNCTION_LINES = 60;

const FUNCTIONS = ['FunctionDeclaration', 'FunctionExpression', 'ArrowFunctionExpression'];

const isTest = (path: string): boolean => path.endsWith('.test.ts');

function linesOf(text: string): number {
  return text.replace(/\n$/, '').split('\n').length;
}

function limitOf(path: string): number {
  if (isTest(path)) return TEST_LINES;
  return path.startsWith('src/main/') ? MAIN_LINES : SOURCE_LINES;
}

/** No code file is longer than its limit: 250 lines, a test 400, a composition root 30. */
export function fileSizes(files: readonly TextFile[]): Finding[] {
  return files.filter(isCode).flatMap(({ path, text }) => {
    const [lines, limit] = [linesOf(text), limitOf(path)];
    return lines > limit ? [{ path, line: limit + 1, says: `has ${lines} lines; ${limit} is the limit` }] : [];
  });
}

/** No function is longer than 60 lines. Tests are exempt: a describe block is one function however many tests it holds. */
export function functionSizes(files: readonly TextFile[]): Finding[] {
  return files
    .filter((file) => isCode(file) && !isTest(file.path))
    .flatMap((file) => {
      const findings: Finding[] = [];
      walk(parse(file), (node, parent) => {
        if (!FUNCTIONS.includes(node.type)) return;
        const lines = linesOf(file.text.slice(node.start, node.end));
        if (lines <= FUNCTION_LINES) return;
        const says = `${functionName(node, parent)} has ${lines} lines; ${FUNCTION_LINES} is the limit`;
        findings.push({ path: file.path, line: lineAt(file.text, node.start), says });
      });
      return findings;
    });
}

function functionName(node: Node, parent: Node | undefined): string {
  return nameOf(node.id) ?? nameOf(parent?.key) ?? nameOf(parent?.id) ?? 'a function';
}
