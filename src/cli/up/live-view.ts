import type { Clock } from '../../kernel/clock.ts';
import { describeDuration } from '../../kernel/duration.ts';
import type { WorkerProgress } from './progress.ts';

/** Where the view is drawn. */
export interface Screen {
  /** A terminal is drawn over in place; anything else gets a line where something changed. */
  readonly isTerminal: boolean;
  /** Columns; asked anew at every drawing. */
  readonly width: number;
  write(text: string): void;
}

const HEADER = ['WORKER', 'OWED', 'RUNNING', 'DONE', 'DEAD', 'RATE', 'OLDEST'];

/** Shows per worker what is owed, running and done, how fast, and how long the oldest waits. */
export class LiveView {
  readonly #screen: Screen;
  readonly #clock: Clock;
  readonly #before = new Map<string, { readonly done: number; readonly atMs: number }>();
  #drawn = 0;
  /** What was written last of each worker, and as the note. */
  readonly #last = new Map<string, string>();

  constructor(screen: Screen, clock: Clock) {
    this.#screen = screen;
    this.#clock = clock;
  }

  /** It is drawn over in place, so that showing it often is no burden. */
  get isDrawn(): boolean {
    return this.#screen.isTerminal;
  }

  /** Draws the present state, with a line below it; nothing while there is no worker. */
  show(workers: readonly WorkerProgress[], note?: string): void {
    if (workers.length === 0) return;
    const rows = workers.map((worker) => this.#row(worker));
    if (this.#screen.isTerminal) this.#draw([...aligned([HEADER, ...rows]), ...(note === undefined ? [] : [note])]);
    else this.#append(workers, rows, note);
  }

  /** Makes room for a line that somebody else writes: the next drawing begins below it, not over it. */
  giveWay(): void {
    if (this.#drawn > 0) this.#screen.write(`\u001b[${this.#drawn}A\r\u001b[0J`);
    this.#drawn = 0;
  }

  #draw(lines: readonly string[]): void {
    const up = this.#drawn > 0 ? `\u001b[${this.#drawn}A\r` : '';
    // Cut, not wrapped: a wrapped line would take two rows and the next drawing would begin too low.
    const text = lines.map((line) => `\u001b[2K${line.slice(0, this.#screen.width - 1)}\n`).join('');
    this.#screen.write(`${up}${text}`);
    this.#drawn = lines.length;
  }

  #append(workers: readonly WorkerProgress[], rows: readonly (readonly string[])[], note: string | undefined): void {
    for (const [index, [worker = '', owed, running, done, dead, rate, oldest]] of rows.entries()) {
      const now = workers[index];
      const key = JSON.stringify([now?.owed, now?.running, now?.done, now?.dead]);
      if (key === (this.#last.get(worker) ?? '[0,0,0,0]')) continue;
      this.#last.set(worker, key);
      this.#screen.write(
        `${worker}: owed ${owed}, running ${running}, done ${done}, dead ${dead}, ${rate}, oldest ${oldest}\n`,
      );
    }
    if (note === undefined || note === this.#last.get('')) return;
    this.#last.set('', note);
    this.#screen.write(`${note}\n`);
  }

  #row({ worker, owed, running, done, dead, oldestSeconds }: WorkerProgress): readonly string[] {
    const atMs = this.#clock.monotonicMs();
    const before = this.#before.get(worker);
    this.#before.set(worker, { done, atMs });
    const perSecond =
      before === undefined || atMs <= before.atMs ? 0 : ((done - before.done) * 1_000) / (atMs - before.atMs);
    const oldest = owed === 0 ? '-' : describeDuration(oldestSeconds * 1_000);
    return [
      worker,
      String(owed),
      String(running),
      String(done),
      String(dead),
      `${Math.max(0, Math.round(perSecond))}/s`,
      oldest,
    ];
  }
}

function aligned(rows: readonly (readonly string[])[]): readonly string[] {
  const widths = HEADER.map((_, column) => Math.max(...rows.map((row) => (row[column] ?? '').length)));
  return rows.map((row) =>
    row
      .map((cell, column) => (column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0)))
      .join('  '),
  );
}
