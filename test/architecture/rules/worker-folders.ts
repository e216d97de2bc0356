import type { Finding, TextFile } from './finding.ts';
import { type Node, nameOf, parse, textOf, walk } from './syntax.ts';

const FILES = ['contract.ts', 'worker.ts', 'policy.ts'];

/** True when `is` holds for some node of the file. */
function holds(file: TextFile, is: (node: Node) => boolean): boolean {
  let found = false;
  walk(parse(file), (node) => {
    found ||= is(node);
  });
  return found;
}

/** True when a file of the worker says `statements`, or names a `.sql` file: then it needs one. */
function usesStatements(files: readonly TextFile[]): boolean {
  const speaks = (node: Node) => nameOf(node) === 'statements' || textOf(node)?.endsWith('.sql') === true;
  return files.filter(({ path }) => path.endsWith('.ts')).some((file) => holds(file, speaks));
}

/** Every folder of workers has its contract, worker and policy, its SQL where it uses some, and its own name within. */
export function workerFolders(files: readonly TextFile[]): Finding[] {
  const names = new Set(
    files.map(({ path }) => /^workers\/([^/]+)\//.exec(path)?.[1]).filter((name) => name !== undefined),
  );
  return [...names].flatMap((name) => {
    const folder = `workers/${name}`;
    const own = files.filter(({ path }) => path.startsWith(`${folder}/`));
    const says = FILES.filter((file) => !own.some(({ path }) => path === `${folder}/${file}`)).map(
      (file) => `lacks ${file}`,
    );
    if (usesStatements(own) && !own.some(({ path }) => path.endsWith('.sql')))
      says.push('uses statements but has no .sql');
    const contract = own.find(({ path }) => path === `${folder}/contract.ts`);
    if (contract !== undefined && !holds(contract, (node) => textOf(node) === name))
      says.push(`has a contract that does not name it '${name}'`);
    return says.map((fault) => ({ path: folder, line: 1, says: fault }));
  });
}
