import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { PAGES, WRITE_COMMAND } from '../tooling/docs.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const read = (path: string) => readFileSync(join(root, path), 'utf8');

// `npm run docs` runs this file with RAE_WRITE_DOCS=1: the pages come from TypeScript, which Node 20 cannot run by itself.
const write = process.env.RAE_WRITE_DOCS === '1';

/** The first line that differs, so that a long page need not be compared by eye. */
function firstDifference(kept: string, made: string): string | undefined {
  const [keptLines, madeLines] = [kept.split('\n'), made.split('\n')];
  const at = madeLines.findIndex((line, index) => line !== keptLines[index]);
  if (at === -1 && keptLines.length === madeLines.length) return undefined;
  const line = at === -1 ? madeLines.length : at;
  return `line ${line + 1} is\n  ${keptLines[line] ?? '(missing)'}\nand should be\n  ${madeLines[line] ?? '(nothing)'}`;
}

describe('a generated page says what the code says', () => {
  it.each(PAGES)('$path', ({ path, render }) => {
    const made = render();
    if (write) writeFileSync(join(root, path), made);
    const difference = firstDifference(read(path), made);
    expect(difference, `${path} differs from the code; run: ${WRITE_COMMAND}`).toBeUndefined();
  });

  it('and none is left over from a generator that is gone', () => {
    const claimed = readdirSync(join(root, 'docs'))
      .filter((name) => name.endsWith('.md') && read(`docs/${name}`).includes('<!-- Generated from'))
      .map((name) => `docs/${name}`);
    const pages = PAGES.map(({ path }) => path).filter((path) => path.endsWith('.md'));
    expect(claimed.sort()).toEqual(pages.sort());
  });
});
