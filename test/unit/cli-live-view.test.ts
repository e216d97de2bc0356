import { describe, expect, it } from 'vitest';
import { LiveView } from '../../src/cli/up/live-view.ts';
import { systemClock } from '../../src/kernel/clock.ts';

const ESC = '\u001b[';
const PIECES = new RegExp(`${ESC.replace('[', '\\[')}\\d*[A-Z]|[\\r\\n]|[^${ESC[0]}\\r\\n]+`, 'g');

/** As much of a terminal as the view uses: it writes lines, goes up, and clears. */
class Terminal {
  readonly isTerminal = true;
  width = 80;
  #rows: string[] = [''];
  #at = 0;

  write(text: string): void {
    for (const [piece] of text.matchAll(PIECES)) this.#put(piece);
  }

  get shown(): readonly string[] {
    return this.#rows.filter((row) => row !== '');
  }

  #put(piece: string): void {
    if (piece.startsWith(ESC) && piece.endsWith('A')) this.#at -= Number(piece.slice(ESC.length, -1));
    else if (piece === `${ESC}0J`) this.#rows = [...this.#rows.slice(0, this.#at), ''];
    else if (piece === `${ESC}2K`) this.#rows[this.#at] = '';
    else if (piece === '\n') {
      this.#at += 1;
      this.#rows[this.#at] ??= '';
    } else if (piece !== '\r') this.#rows[this.#at] += piece;
  }
}

const decay = { worker: 'decay', owed: 3, running: 1, done: 21, dead: 0, oldestSeconds: 2 };
const cost = { ...decay, worker: 'cost-aggregation' };

describe('the live view', () => {
  it('is drawn over, and what is said meanwhile stays above it', () => {
    const terminal = new Terminal();
    const view = new LiveView(terminal, systemClock);
    view.show([]);
    view.show([decay]);
    view.show([decay, cost]);
    view.giveWay();
    terminal.write('running; Ctrl-C ends it\n');
    view.show([{ ...decay, done: 24 }, cost]);
    const [said, head, ...rows] = terminal.shown;
    expect(said).toBe('running; Ctrl-C ends it');
    expect(head).toMatch(/^WORKER +OWED +RUNNING +DONE +DEAD +RATE +OLDEST$/);
    expect(rows.map((row) => row.split(/ +/).slice(0, 4))).toEqual([
      ['decay', '3', '1', '24'],
      ['cost-aggregation', '3', '1', '21'],
    ]);
  });

  it('never wraps, also when the terminal becomes narrower', () => {
    const terminal = new Terminal();
    const view = new LiveView(terminal, systemClock);
    view.show([decay]);
    terminal.width = 20;
    view.show([decay]);
    expect(terminal.shown.every((line) => line.length < 20)).toBe(true);
    expect(terminal.shown).toHaveLength(2);
  });

  it('is plain lines where it is no terminal, and one only where something changed', () => {
    let written = '';
    const screen = {
      isTerminal: false,
      width: 80,
      write: (text: string) => {
        written += text;
      },
    };
    const view = new LiveView(screen, systemClock);
    view.show([decay]);
    view.giveWay();
    view.show([{ ...decay, oldestSeconds: 3 }]);
    view.show([{ ...decay, done: 22 }]);
    expect(written.trimEnd().split('\n')).toEqual([
      'decay: owed 3, running 1, done 21, dead 0, 0/s, oldest 2.0 s',
      expect.stringContaining('done 22'),
    ]);
  });
});
