import type { Result } from '../verdict.ts';
import { figure } from './lines.ts';

const [WIDTH, HEIGHT, LEFT, RIGHT] = [640, 110, 20, 620];

/** The repeats of a row as dots on a line, with the interval and the bar; an SVG that needs nothing else. */
export function plotOf({ id, repeats, interval, bar, unit, ratio }: Result): string {
  const limit = Number(/[\d.]+/.exec(bar)?.[0] ?? 0);
  const most = Math.max(limit, ...repeats) * 1.1;
  const at = (value: number) => (LEFT + ((RIGHT - LEFT) * value) / most).toFixed(1);
  const isRatio = ratio !== null && bar.endsWith('×');
  const dots = repeats.map((value) => `<circle cx="${at(value)}" cy="50" r="5" fill="#1f6feb" fill-opacity="0.6"/>`);
  const [low, high] = interval;
  const text = (x: string, y: number, words: string, more = '') =>
    `<text x="${x}" y="${y}" font-family="sans-serif" font-size="12" fill="#57606a"${more}>${words}</text>`;
  return `${[
    `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${HEIGHT}" viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="${id}">`,
    `<rect width="${WIDTH}" height="${HEIGHT}" fill="#ffffff"/>`,
    `<line x1="${LEFT}" x2="${RIGHT}" y1="70" y2="70" stroke="#8c959f"/>`,
    `<rect x="${at(low)}" y="44" width="${Math.max(1, Number(at(high)) - Number(at(low)))}" height="12" fill="#1f6feb" fill-opacity="0.2"/>`,
    ...dots,
    `<line x1="${at(limit)}" x2="${at(limit)}" y1="25" y2="75" stroke="#cf222e" stroke-width="2"/>`,
    text(at(limit), 20, `bar ${bar}`, ' text-anchor="middle"'),
    text(String(LEFT), 90, '0'),
    text(String(RIGHT), 90, `${figure(most)} ${isRatio ? 'times the reference' : unit}`, ' text-anchor="end"'),
    '</svg>',
  ].join('\n')}\n`;
}
