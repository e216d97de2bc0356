import { describe, expect, it } from 'vitest';
import { importsOf, target } from './rules/imports.ts';
import { repository } from './rules/tree.ts';

const files = repository();
const own = files.filter(({ path }) => path.startsWith('src/client/'));

describe('the client for API servers', () => {
  it('brings no code of the fleet or of a library with it: what it imports from outside its folder are types', () => {
    const outside = own.flatMap((file) =>
      importsOf(file)
        .filter(({ wanted = '' }) => target(file.path, wanted)?.startsWith('src/client/') !== true)
        .map(({ source }) => source),
    );
    expect(own.length).toBeGreaterThan(3);
    expect(outside.filter((source) => !/^(import|export) type /.test(source))).toEqual([]);
  });

  it('knows what runs of every worker carry', () => {
    const workers = files.flatMap(({ path }) => /^workers\/([^/]+)\/contract\.ts$/.exec(path)?.[1] ?? []);
    const text = own.find(({ path }) => path === 'src/client/payloads.ts')?.text ?? '';
    expect(workers.length).toBeGreaterThan(4);
    expect(workers.filter((worker) => !text.includes(`workers/${worker}/contract.ts`))).toEqual([]);
  });
});
