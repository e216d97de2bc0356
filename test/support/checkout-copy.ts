import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { afterAll } from 'vitest';
import type { TestDatabase } from './database.ts';
import { startProgram } from './processes.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const SOURCES = ['src', 'workers', 'queues', 'migrations', 'package.json', 'tsconfig.json', 'test/tooling/build.mjs'];

/** The files of a worker's folder, by name. */
export type WorkerFolder = Readonly<Record<string, string>>;

/** The sources of this checkout in a folder of their own, to be changed and built there. */
export class CheckoutCopy {
  readonly folder = mkdtempSync(join(tmpdir(), 'rae-copy-'));

  constructor() {
    for (const path of SOURCES) cpSync(join(root, path), join(this.folder, path), { recursive: true });
    symlinkSync(join(root, 'node_modules'), join(this.folder, 'node_modules'));
  }

  /** Where its build is. */
  get build(): URL {
    return pathToFileURL(join(this.folder, '.build/'));
  }

  /** Adds a worker: one folder, and nothing else. */
  addWorker(name: string, files: WorkerFolder): void {
    const folder = join(this.folder, 'workers', name);
    mkdirSync(folder);
    for (const [file, text] of Object.entries(files)) writeFileSync(join(folder, file), text);
  }

  /** Compiles it. @throws with the compiler's words. */
  async compile(): Promise<void> {
    await this.#run([join(this.folder, 'test/tooling/build.mjs')]);
  }

  /** Brings a database to the schema of this copy. */
  async migrate(database: TestDatabase): Promise<void> {
    await this.#run([join(this.folder, '.build/src/main/rae.js'), 'migrate'], {
      RAE_DATABASE_URL: database.url('admin'),
    });
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }

  async #run(args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<void> {
    const program = startProgram(process.execPath, args, { env });
    const { code } = await program.ended(60_000);
    if (code !== 0) throw new Error(`${args.join(' ')} ended with ${code}:\n${program.out}\n${program.err}`);
  }
}

/** A copy of this checkout for all tests of the file, with these workers added to it. */
export function useCheckoutCopy(workers: Readonly<Record<string, WorkerFolder>>): CheckoutCopy {
  const copy = new CheckoutCopy();
  afterAll(() => copy.remove());
  for (const [name, files] of Object.entries(workers)) copy.addWorker(name, files);
  return copy;
}
