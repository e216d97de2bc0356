import { rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { type Machine, machineOf } from './machine.ts';
import { type Options, readOptions, USAGE, UsageError } from './options.ts';
import { killAll } from './process.ts';
import { enter } from './report/book.ts';
import { figure, resultLines } from './report/lines.ts';
import { writePage } from './report/page.ts';
import type { Row } from './row.ts';
import { ROWS } from './rows.ts';
import { Stage } from './stage.ts';
import { type Result, resultOf } from './verdict.ts';

const say = (line: string) => void process.stdout.write(`${line}\n`);
const complain = (line: string) => void process.stderr.write(`${line}\n`);

/**
 * Measures and reports. @param root the checkout, whose docs are written by a whole run.
 * @returns the exit code: 0 measured (also where a bar was missed: the table says so), 1 failed, 2 wrong usage, 130 interrupted.
 */
export async function bench(args: readonly string[], root: string): Promise<number> {
  let options: ReturnType<typeof readOptions>;
  try {
    options = readOptions(
      args,
      ROWS.map(({ id }) => id),
    );
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    complain(`error: ${error.message}`);
    return 2;
  }
  if (options === 'help') say(USAGE);
  else if (options === 'list') for (const { id, what } of ROWS) say(`${id.padEnd(22)} ${what}`);
  else return await interruptible(options, root);
  return 0;
}

async function interruptible(options: Options, root: string): Promise<number> {
  const folder = join(root, '.rae', 'bench');
  const parent = process.ppid;
  const told = new Promise<number>((stop) => {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => stop(130));
    // npm that is killed tells nobody.
    setInterval(() => process.ppid !== parent && stop(130), 500).unref();
  });
  const stages: Stage[] = [];
  const work = measureAll(options, root, folder, (stage) => stages.push(stage)).catch((error: unknown) => {
    complain(`error: ${error instanceof Error ? (error.stack ?? error.message) : error}`);
    return 1;
  });
  const code = await Promise.race([work, told]);
  if (code === 130) complain('interrupted: ending what was started');
  await killAll();
  await Promise.all(stages.map((stage) => stage.close()));
  rmSync(join(folder, 'data'), { recursive: true, force: true });
  return code;
}

async function measureAll(
  options: Options,
  root: string,
  folder: string,
  opened: (stage: Stage) => void,
): Promise<number> {
  const { only, quick, json, repeats, page } = options;
  const rows = ROWS.filter(({ id }) => only.length === 0 || only.some((wanted) => id.startsWith(wanted)));
  const stage = await Stage.open(folder, quick, say);
  opened(stage);
  if (quick) say('quick: smaller sizes; these figures say little');
  const results: Result[] = [];
  let failed = 0;
  for (const row of rows) {
    const result = await measured(row, stage, repeats);
    if (result === undefined) failed += 1;
    else results.push(result);
  }
  const machine = machineOf(stage);
  if (json !== undefined) writeFileSync(resolve(root, json), `${report(machine, quick, results)}\n`);
  say(
    `${results.filter(({ met }) => met).length} met, ${count(results, 'tie')} ties, ${count(results, 'missed')} missed, ${failed} failed`,
  );
  if (!quick && (page || (only.length === 0 && failed === 0))) {
    writePage(
      root,
      enter(
        root,
        machine,
        results,
        ROWS.map(({ id }) => id),
      ),
    );
    say('docs/performance.md is written');
  }
  return failed === 0 ? 0 : 1;
}

async function measured(row: Row, stage: Stage, repeats: number): Promise<Result | undefined> {
  const started = performance.now();
  try {
    const result = resultOf(row, await row.measure(stage, repeats), (performance.now() - started) / 1_000);
    for (const line of resultLines(result)) say(line);
    return result;
  } catch (error) {
    complain(
      `${row.id}: FAILED after ${figure((performance.now() - started) / 1_000)} s: ${error instanceof Error ? error.message : error}`,
    );
    await killAll();
    return undefined;
  }
}

const count = (results: readonly Result[], verdict: string): number =>
  results.filter((one) => one.verdict === verdict).length;

function report(machine: Machine, quick: boolean, results: readonly Result[]): string {
  return JSON.stringify({ machine, quick, results }, null, 2);
}
