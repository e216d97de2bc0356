// Compiles the TypeScript sources into .build and copies the SQL files beside the code that loads them.
// Also used by src/main/launch.mjs, so that `rae` from a checkout never runs an old build.
import { spawnSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..');
const out = join(root, '.build');
const folders = ['src', 'workers', 'queues', 'migrations'];

/** Every file below `folder` whose name ends in one of `endings`. */
function filesBelow(folder, endings) {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && endings.some((ending) => entry.name.endsWith(ending)))
    .map((entry) => join(entry.parentPath, entry.name));
}

/** True when a source is newer than the last whole build, or something was added or removed since. */
export function isStale() {
  const stamp = join(out, 'stamp');
  if (!existsSync(stamp)) return true;
  const built = statSync(stamp).mtimeMs;
  const watched = [root, ...folders.map((folder) => join(root, folder))];
  const sources = folders.flatMap((folder) => filesBelow(join(root, folder), ['.ts', '.sql', '.json']));
  const nested = new Set(sources.map(dirname));
  return (
    [join(root, 'package.json'), join(root, 'tsconfig.json'), ...sources, ...nested].some(
      (path) => statSync(path).mtimeMs > built,
    ) || watched.slice(1).some((path) => existsSync(path) && statSync(path).mtimeMs > built)
  );
}

/** Runs `work` while no other process of this checkout builds: ten commands started at once build one after another. */
function alone(work) {
  const lock = join(out, 'lock');
  mkdirSync(out, { recursive: true });
  for (;;) {
    try {
      mkdirSync(lock);
      break;
    } catch (error) {
      if (error.code !== 'EEXIST') throw error;
      // A build takes seconds; a lock this old was left by a killed one.
      const age = existsSync(lock) ? Date.now() - statSync(lock).mtimeMs : 0;
      if (age > 60_000) rmSync(lock, { recursive: true, force: true });
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 50);
    }
  }
  try {
    work();
  } finally {
    rmSync(lock, { recursive: true, force: true });
  }
}

/**
 * Brings .build up to date with the sources; does nothing when it is. Throws with the compiler's own words when a
 * source does not compile, and then leaves the old stamp, so that the next call tries again.
 */
export function build() {
  alone(() => {
    if (isStale()) compile();
  });
}

function compile() {
  const started = new Date();
  const tsc = createRequire(import.meta.url).resolve('typescript/package.json');
  const result = spawnSync(process.execPath, [join(dirname(tsc), 'bin', 'tsc'), '-p', root], {
    encoding: 'utf8',
    cwd: root,
  });
  if (result.status !== 0) throw new Error(`the sources do not compile:\n${result.stdout}${result.stderr}`);
  const kept = new Set();
  for (const folder of folders) {
    for (const file of filesBelow(join(root, folder), ['.sql'])) {
      const target = join(out, relative(root, file));
      mkdirSync(dirname(target), { recursive: true });
      cpSync(file, target);
      kept.add(target);
    }
    for (const file of filesBelow(join(root, folder), ['.ts'])) {
      kept.add(join(out, relative(root, file)).replace(/\.ts$/, '.js'));
    }
  }
  // A deleted source must not live on in the build: a worker folder taken away would still be found.
  for (const folder of folders) {
    for (const file of filesBelow(join(out, folder), ['.js', '.sql'])) {
      if (!kept.has(file)) rmSync(file);
    }
    for (const file of filesBelow(join(out, folder), ['.js.map'])) {
      if (!kept.has(file.slice(0, -4))) rmSync(file);
    }
  }
  for (const worker of existsSync(join(out, 'workers')) ? readdirSync(join(out, 'workers')) : []) {
    const folder = join(out, 'workers', worker);
    if (statSync(folder).isDirectory() && readdirSync(folder).length === 0) rmSync(folder, { recursive: true });
  }
  // Makes the compiled files modules, and tells them the version at the same relative path as the sources have it.
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  writeFileSync(join(out, 'package.json'), `${JSON.stringify({ type: 'module', version })}\n`);
  writeFileSync(join(out, 'stamp'), `${started.toISOString()}\n`);
  // A source saved while the compiler ran must count as newer than this build.
  utimesSync(join(out, 'stamp'), started, started);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) build();
