import { type Finding, lineAt, type TextFile } from './finding.ts';
import { isCode, isShipped, nameOf, parse, walk } from './syntax.ts';

/** The words of a name in camelCase, kebab-case, snake_case or CAPITALS. */
export function wordsOf(name: string): string[] {
  return name
    .replace(/([a-z0-9])([A-Z])/g, '$1 $2')
    .replace(/([A-Z]+)([A-Z][a-z])/g, '$1 $2')
    .toLowerCase()
    .split(/[^a-z0-9]+/);
}

const speaksOfJobs = (name: string): boolean => wordsOf(name).some((word) => word === 'job' || word === 'jobs');

/**
 * A job is BullMQ's and carries a ticket; what is owed to a tenant is a run. Outside queues no file and no name says
 * job. Text and comments may: they sometimes explain the difference.
 */
export function jobsOutsideQueues(files: readonly TextFile[]): Finding[] {
  const outside = files.filter((file) => isShipped(file) && !file.path.startsWith('queues/'));
  return outside.flatMap((file) => {
    const says = (name: string) => `says ${name}; outside queues it is a run, or a ticket`;
    const named = speaksOfJobs(file.path) ? [{ path: file.path, line: 1, says: says(file.path) }] : [];
    const lines = new Map<number, string>();
    if (isCode(file)) {
      walk(parse(file), (node) => {
        const name = node.type === 'Identifier' || node.type === 'PrivateIdentifier' ? nameOf(node) : undefined;
        if (name !== undefined && speaksOfJobs(name)) lines.set(lineAt(file.text, node.start), name);
      });
    }
    return [...named, ...[...lines].map(([line, name]) => ({ path: file.path, line, says: says(name) }))];
  });
}
