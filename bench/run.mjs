// `npm run bench`: builds a copy of this checkout with the bench and its workers in it, and runs the bench from there.
// A copy, because workers of a bench must not be in the fleet that people run.
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const copy = join(root, '.rae', 'bench', 'checkout');
const SOURCES = ['src', 'workers', 'queues', 'migrations', 'bench', 'package.json', 'test/tooling/build.mjs'];

/** Runs a Node program of the copy to its end. Says what it printed, and ends this process, where it fails. */
function ran(args) {
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8', cwd: copy });
  if (status === 0) return;
  process.stderr.write(`error: the bench does not build:\n${stdout}${stderr}`);
  process.exit(1);
}

rmSync(copy, { recursive: true, force: true });
mkdirSync(copy, { recursive: true });
for (const path of SOURCES) cpSync(join(root, path), join(copy, path), { recursive: true });
if (!existsSync(join(copy, 'node_modules'))) symlinkSync(join(root, 'node_modules'), join(copy, 'node_modules'));
const config = JSON.parse(readFileSync(join(root, 'tsconfig.json'), 'utf8'));
config.compilerOptions.skipLibCheck = true;
// First the bench alone: what it needs of the sources is compiled with it, and it writes its workers for the rest.
config.include = ['bench', 'src', 'workers', 'queues'];
writeFileSync(join(copy, 'tsconfig.json'), JSON.stringify(config));
const tsc = join(dirname(createRequire(import.meta.url).resolve('typescript/package.json')), 'bin', 'tsc');
ran([tsc, '-p', copy]);
writeFileSync(join(copy, '.build', 'package.json'), '{"type":"module"}\n');
const { writeWorkers } = await import(pathToFileURL(join(copy, '.build', 'bench', 'bench-workers.js')).href);
writeWorkers(join(copy, 'workers'));
ran([join(copy, 'test', 'tooling', 'build.mjs')]);

const { bench } = await import(pathToFileURL(join(copy, '.build', 'bench', 'bench.js')).href);
process.exit(await bench(process.argv.slice(2), root));
