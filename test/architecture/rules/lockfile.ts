import type { Finding } from './finding.ts';

interface Entry {
  readonly version?: string;
  readonly resolved?: string;
  readonly link?: boolean;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

/** Where npm finds `name` for the package at `path`: the nearest node_modules, upwards. */
function found(packages: Readonly<Record<string, Entry>>, path: string, name: string): boolean {
  for (let at = path; ; at = at.includes('/node_modules/') ? at.slice(0, at.lastIndexOf('/node_modules/')) : '') {
    if (packages[at === '' ? `node_modules/${name}` : `${at}/node_modules/${name}`] !== undefined) return true;
    if (at === '') return false;
  }
}

/**
 * The lock file has every package, those for other platforms too: `npm ci` refuses to start where one is missing, and
 * npm leaves one out without a word when the registry it was made with did not have it. None comes from a private
 * registry.
 */
export function lockFile(text: string): Finding[] {
  const packages = (JSON.parse(text) as { packages: Record<string, Entry> }).packages;
  return Object.entries(packages).flatMap(([path, entry]) => {
    const wanted = Object.keys({ ...entry.dependencies, ...entry.optionalDependencies });
    const says = wanted
      .filter((name) => !found(packages, path, name))
      .map((name) => `${path} needs ${name}, which is missing`);
    const from = entry.resolved ?? 'https://registry.npmjs.org/';
    if (!from.startsWith('https://registry.npmjs.org/')) says.push(`${path} comes from ${new URL(from).host}`);
    return says.map((fault) => ({ path: 'package-lock.json', line: 1, says: fault }));
  });
}
