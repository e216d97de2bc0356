import { fileURLToPath } from 'node:url';
import { defineConfig, type TestProjectInlineConfiguration } from 'vitest/config';

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));

/** The layers, by folder. The later a group, the more it needs; groups run one after another. */
interface Layer {
  readonly name: 'unit' | 'architecture' | 'db' | 'cli' | 'fleet' | 'fault';
  readonly folders: readonly string[];
  /** Of those folders the files that begin with `cli-`: only these, or all but these. Absent: all files. */
  readonly commands?: 'only' | 'none';
  readonly group: number;
  /** For one test or hook. Generous: it ends what hangs, it measures nothing. */
  readonly limitSeconds: number;
  /** How many files at once; absent: as many as there are cores. */
  readonly filesAtOnce?: number;
  /** Its files share a process: they change nothing that others see. */
  readonly together?: boolean;
  /** Needs Postgres and Redis. */
  readonly services?: boolean;
}

const layers: readonly Layer[] = [
  { name: 'unit', folders: ['unit'], group: 0, limitSeconds: 120, together: true },
  { name: 'architecture', folders: ['architecture', 'tooling'], group: 0, limitSeconds: 120 },
  { name: 'db', folders: ['db'], group: 1, limitSeconds: 120, filesAtOnce: 2, services: true },
  // Commands run one after the other within a file, each a process that mostly starts; a fleet takes the whole machine.
  { name: 'cli', folders: ['fleet'], commands: 'only', group: 2, limitSeconds: 120, filesAtOnce: 2, services: true },
  { name: 'fleet', folders: ['fleet'], commands: 'none', group: 3, limitSeconds: 120, filesAtOnce: 1, services: true },
  { name: 'fault', folders: ['fault'], group: 4, limitSeconds: 300, filesAtOnce: 1, services: true },
];

function filesOf({ folders, commands }: Layer): { include: string[]; exclude: string[] } {
  const named = (name: string) => folders.map((folder) => `test/${folder}/**/${name}.test.ts`);
  return { include: named(commands === 'only' ? 'cli-*' : '*'), exclude: commands === 'none' ? named('cli-*') : [] };
}

function project(layer: Layer): TestProjectInlineConfiguration {
  return {
    extends: true,
    test: {
      name: layer.name,
      ...filesOf(layer),
      sequence: { groupOrder: layer.group },
      testTimeout: layer.limitSeconds * 1_000,
      hookTimeout: layer.limitSeconds * 1_000,
      isolate: layer.together !== true,
      ...(layer.filesAtOnce === undefined ? {} : { maxWorkers: layer.filesAtOnce }),
      ...(layer.services ? { globalSetup: [here('services-once.ts')] } : {}),
    },
  };
}

export default defineConfig({
  root: here('../..'),
  test: {
    pool: 'forks',
    // A test that passes at the second try hides a fault.
    retry: 0,
    // A test that asserts nothing cannot fail.
    expect: { requireAssertions: true },
    teardownTimeout: 60_000,
    reporters: ['default', here('counts.mjs')],
    projects: layers.map(project),
  },
});
