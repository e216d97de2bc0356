import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, it } from 'vitest';

const root = fileURLToPath(new URL('../..', import.meta.url));
// Not below the checkout, where a library would be found that does not come with the package.
const folder = mkdtempSync(join(tmpdir(), 'rae-package-'));
const packed = join(folder, 'node_modules', 'rae-fleet');
afterAll(() => rmSync(folder, { recursive: true, force: true }));

beforeAll(() => {
  // Builds first, as whoever packs it does.
  execFileSync('npm', ['pack', '--silent', '--pack-destination', folder], { cwd: root, stdio: 'pipe' });
  const [archive = ''] = readdirSync(folder).filter((name) => name.endsWith('.tgz'));
  mkdirSync(packed, { recursive: true });
  execFileSync('tar', ['-xzf', join(folder, archive), '-C', packed, '--strip-components=1']);
});

it('the client is loaded from the package, and works without anything else of it or any library', () => {
  const inClient = (path: string) => path.startsWith(join('.build', 'src', 'client'));
  for (const file of readdirSync(packed, { recursive: true, withFileTypes: true })) {
    const path = join(file.parentPath, file.name).slice(packed.length + 1);
    if (file.isFile() && file.name.endsWith('.js') && !inClient(path)) rmSync(join(packed, path));
  }
  writeFileSync(
    join(folder, 'use.mjs'),
    `import { enqueueIn, RaeApiError, RaeClient } from 'rae-fleet/client';
     const client = new RaeClient({ url: 'http://127.0.0.1:9', apiKey: 'rae_x', retries: 0 });
     const error = await client.enqueue('decay').catch((error) => error);
     console.log(typeof enqueueIn, error instanceof RaeApiError, error.code);`,
  );
  const { stdout, stderr } = spawnSync(process.execPath, ['use.mjs'], { cwd: folder, encoding: 'utf8' });
  expect({ stdout, stderr }).toEqual({ stdout: 'function true RAE_UNREACHABLE\n', stderr: '' });
});

it('a wrong payload or worker does not compile against the package', () => {
  symlinkSync(join(root, 'node_modules', 'zod'), join(folder, 'node_modules', 'zod'));
  writeFileSync(
    join(folder, 'use.ts'),
    `import { RaeClient } from 'rae-fleet/client';
     const client = new RaeClient({ url: 'https://rae.example', apiKey: 'rae_x' });
     export const right: Promise<string> = client.enqueue('decay', {});
     export const nobody = client.enqueue('decya');
     export const wrong = client.enqueue('decay', { surprise: 1 });`,
  );
  const compiler = join(root, 'node_modules', 'typescript', 'bin', 'tsc');
  const options = [
    '--noEmit',
    '--strict',
    '--skipLibCheck',
    '--module',
    'nodenext',
    '--target',
    'es2023',
    '--types',
    '',
  ];
  const { stdout } = spawnSync(process.execPath, [compiler, ...options, 'use.ts'], { cwd: folder, encoding: 'utf8' });
  const places = [...stdout.matchAll(/use\.ts\((\d+),\d+\): error TS(\d+)/g)].map(([, line, code]) => [line, code]);
  expect({ places, stdout }).toEqual({
    places: [
      ['4', expect.any(String)],
      ['5', expect.any(String)],
    ],
    stdout: expect.any(String),
  });
});

it('the package has the command and what it runs, and nothing else', () => {
  const [top, manifest] = [readdirSync(packed), JSON.parse(readFileSync(join(packed, 'package.json'), 'utf8'))];
  expect(top.sort()).toEqual(['.build', 'LICENSE', 'README.md', 'package.json', 'src']);
  expect(readdirSync(join(packed, 'src'), { recursive: true })).toContain(manifest.bin.rae.replace('src/', ''));
  expect(readdirSync(join(packed, '.build')).sort()).toEqual([
    'migrations',
    'package.json',
    'queues',
    'src',
    'workers',
  ]);
});
