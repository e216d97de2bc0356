import type { CpuUse } from '../cpu.ts';
import type { Result } from '../verdict.ts';

/** A number with three digits that count. */
export function figure(value: number): string {
  if (!Number.isFinite(value)) return '–';
  if (Math.abs(value) >= 100) return Math.round(value).toLocaleString('en');
  return String(Number(value.toPrecision(3)));
}

/** CPU time by process, the sum first. */
export function cpuText(use: CpuUse): string {
  const entries = Object.entries(use);
  const sum = entries.reduce((all, [, us]) => all + us, 0);
  return entries.length === 0
    ? ''
    : `${figure(sum)} µs (${entries.map(([name, us]) => `${name} ${figure(us)}`).join(', ')})`;
}

/** What a row comes to, for the terminal. */
export function resultLines(result: Result): string[] {
  const { id, what, value, unit, reference, ratio, bar, verdict, interval, repeats, cpu, referenceCpu } = result;
  const against = reference === null ? '' : ` · reference ${figure(reference)} · ratio ${figure(ratio ?? Number.NaN)}`;
  const [low, high] = interval.map(figure);
  const lines = [
    `${verdict.toUpperCase().padEnd(6)} ${id}: ${figure(value)} ${unit}${against} · bar ${bar}, ${low} to ${high} in ${repeats.length} repeats`,
    `       ${what}`,
  ];
  if (cpuText(cpu) !== '')
    lines.push(
      `       CPU ${cpuText(cpu)}${cpuText(referenceCpu) === '' ? '' : ` · reference ${cpuText(referenceCpu)}`}`,
    );
  for (const note of result.notes) lines.push(`       ${note}`);
  if (result.because !== null) lines.push(`       because: ${result.because}`);
  return lines;
}
