import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Machine } from '../machine.ts';
import type { Entry } from './book.ts';
import { cpuText, figure } from './lines.ts';
import { plotOf } from './plot.ts';

const cell = (text: string) => text.replaceAll('|', '\\|');
const row = (...cells: readonly string[]) => `| ${cells.map(cell).join(' | ')} |`;

/** Writes docs/performance.md and its plots. */
export function writePage(root: string, entries: readonly Entry[]): void {
  const plots = join(root, 'docs', 'performance');
  mkdirSync(plots, { recursive: true });
  for (const name of readdirSync(plots)) if (name.endsWith('.svg')) rmSync(join(plots, name));
  for (const { result } of entries) writeFileSync(join(plots, `${result.id}.svg`), plotOf(result));
  writeFileSync(join(root, 'docs', 'performance.md'), pageOf(entries));
}

const machineText = ({ processor, cores, memoryGb, system, node, postgres, redis }: Machine) =>
  `${processor}, ${cores} cores for everything together, ${memoryGb} GB, ${system}, ${node}, Postgres ${postgres}, Redis ${redis}`;

/** The page. */
export function pageOf(entries: readonly Entry[]): string {
  const machines = [...new Set(entries.map(({ machine }) => machineText(machine)))];
  const table = entries.map(({ result: { id, value, unit, reference, ratio, bar, interval, verdict } }) =>
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
    'Real processes of the fleet on a Postgres and Redis of their own, each row beside its reference in the same run, the order alternated. Postgres flushes every commit that is acknowledged.',
    `Measured on: ${machines.join('; or: ')}. Each row says when, and of which commit. The figures as JSON: [figures.json](performance/figures.json).`,
    'A figure is the median of the repeats; the interval holds the true median with 93 % certainty. **met**: the whole interval is on the good side of the bar; **missed**: on the bad side; **tie**: neither. Figures of another machine differ; ratios much less.',
    [
      row('row', 'measured', 'reference', 'ratio', 'interval', 'bar', 'verdict'),
      '|---|---|---|---|---|---|---|',
      ...table,
    ].join('\n'),
    ...entries.map(section),
  ].join('\n\n')}\n`;
}

function section({ result, day, revision }: Entry): string {
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
  lines.push(`Measured on ${day}, commit ${revision}, ${result.repeats.length} paired repeats.`);
  if (notes.length > 0) lines.push(notes.map((note) => `- ${note}`).join('\n'));
  if (verdict !== 'met') lines.push(`**Not reached for certain.** ${because ?? 'The cause is not known.'}`);
  return lines.join('\n\n');
}
