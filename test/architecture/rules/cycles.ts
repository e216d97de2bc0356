import type { Finding, TextFile } from './finding.ts';
import { importsOf, target } from './imports.ts';
import { isCode, isShipped } from './syntax.ts';

interface Edge {
  readonly to: string;
  readonly line: number;
}

function edgesOf(files: readonly TextFile[]): Map<string, readonly Edge[]> {
  const known = new Set(files.map((file) => file.path));
  return new Map(
    files.map((file) => [
      file.path,
      importsOf(file).flatMap(({ wanted, line }) => {
        const to = wanted === undefined ? undefined : target(file.path, wanted);
        return to !== undefined && known.has(to) ? [{ to, line }] : [];
      }),
    ]),
  );
}

/** No file imports itself by way of others; type imports count. One finding per import that closes a circle. */
export function importCycles(files: readonly TextFile[]): Finding[] {
  const edges = edgesOf(files.filter((file) => isShipped(file) && isCode(file)));
  const findings: Finding[] = [];
  const finished = new Set<string>();
  const trail: string[] = [];
  const visit = (path: string): void => {
    trail.push(path);
    for (const { to, line } of edges.get(path) ?? []) {
      const at = trail.indexOf(to);
      if (at !== -1) {
        findings.push({ path, line, says: `closes a circle: ${[...trail.slice(at), to].join(' → ')}` });
      } else if (!finished.has(to)) visit(to);
    }
    trail.pop();
    finished.add(path);
  };
  for (const path of edges.keys()) if (!finished.has(path)) visit(path);
  return findings;
}
