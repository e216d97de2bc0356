import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Machine } from '../machine.ts';
import type { Result } from '../verdict.ts';
import { cpuText, figure } from './lines.ts';
import { plotOf } from './plot.ts';

const cell = (text: string) => text.replaceAll('|', '\\|');
const row = (...cells: readonly string[]) => `| ${cells.map(cell).join(' | ')} |`;

/** Writes docs/performance.md and its plots. */
export function writePage(root: string, machine: Machine, results: readonly Result[]): void {
  const plots = join(root, 'docs', 'performance');
  rmSync(plots, { recursive: true, force: true });
  mkdirSync(plots, { recursive: true });
  for (const result of results) writeFileSync(join(plots, `${result.id}.svg`), plotOf(result));
  writeFileSync(join(root, 'docs', 'performance.md'), pageOf(machine, results));
}

/** The page. */
export function pageOf(machine: Machine, results: readonly Result[]): string {
  const { processor, cores, memoryGb, system, node, postgres, redis } = machine;
  const table = results.map(({ id, value, unit, reference, ratio, bar, interval, verdict }) =>
    row(
      `[${id}](#${id})`,
      `${figure(value)} ${unit}`,
      reference === null ? '–' : figure(reference),
      ratio === null ? '–' : figure(ratio),
      interval.map(figure).join(' to '),
      bar,
      verdict,
    ),
  );
  return `${[
    '# Performance',
    '<!-- Written by `npm run bench`; run that again instead of editing. -->',
    `Real processes of the fleet on a Postgres and Redis of their own, each row beside its reference in the same run, the order alternated. Measured on: ${processor}, ${cores} cores for everything together, ${memoryGb} GB, ${system}, ${node}, Postgres ${postgres}, Redis ${redis}. Postgres flushes every commit that is acknowledged.`,
    'A figure is the median of the repeats; the interval holds the true median with 93 % certainty. **met**: the whole interval is on the good side of the bar; **missed**: on the bad side; **tie**: neither. Figures of another machine differ; ratios much less.',
    [
      row('row', 'measured', 'reference', 'ratio', 'interval', 'bar', 'verdict'),
      '|---|---|---|---|---|---|---|',
      ...table,
    ].join('\n'),
    ...results.map(section),
  ].join('\n\n')}\n`;
}

function section(result: Result): string {
  const { id, what, against, cpu, referenceCpu, notes, because, verdict } = result;
  const lines = [
    `## ${id}`,
    `${what}${against === '' ? '' : `, against ${against}`}.`,
    `![${id}](performance/${id}.svg)`,
  ];
  if (cpuText(cpu) !== '') {
    const beside = cpuText(referenceCpu) === '' ? '' : `; reference ${cpuText(referenceCpu)}`;
    lines.push(`CPU time per run: ${cpuText(cpu)}${beside}.`);
  }
  if (notes.length > 0) lines.push(notes.map((note) => `- ${note}`).join('\n'));
  if (verdict !== 'met') lines.push(`**Not reached for certain.** ${because ?? 'The cause is not known.'}`);
  return lines.join('\n\n');
}
