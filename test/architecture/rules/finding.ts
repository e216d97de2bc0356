/** One file of the repository, or one that a test made up. */
export interface TextFile {
  /** From the repository's root, with forward slashes. */
  readonly path: string;
  readonly text: string;
}

/** One broken rule, at one line. */
export interface Finding {
  readonly path: string;
  readonly line: number;
  readonly says: string;
}

/** The line number of a character offset, counted from 1. */
export function lineAt(text: string, offset: number): number {
  let line = 1;
  for (let at = text.indexOf('\n'); at !== -1 && at < offset; at = text.indexOf('\n', at + 1)) line += 1;
  return line;
}

/** `path:line says`, one per finding: what a failing test prints. */
export function shown(findings: readonly Finding[]): string[] {
  return findings.map((finding) => `${finding.path}:${finding.line} ${finding.says}`);
}

/** Something a rule forbids but this file may do, and why. */
export interface Exception {
  readonly path: string;
  readonly because: string;
}

/** `findings` without those in an excepted file; an exception that excepts nothing is itself a finding. */
export function except(findings: readonly Finding[], exceptions: readonly Exception[]): Finding[] {
  const left = findings.filter((finding) => !exceptions.some((entry) => entry.path === finding.path));
  const unused = exceptions.filter((entry) => !findings.some((finding) => finding.path === entry.path));
  return [
    ...left,
    ...unused.map(({ path }) => ({ path, line: 1, says: 'is excepted but needs no exception: drop it' })),
  ];
}
