import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { afterAll, beforeAll } from 'vitest';
import { systemClock } from '../../src/kernel/clock.ts';
import { type ExportRequest, exportTenant } from '../../src/transfer/export.ts';
import { type ImportReport, type ImportRequest, importFile } from '../../src/transfer/import.ts';
import { KIND_NAMES } from '../../src/transfer/kind.ts';
import type { TestDatabase } from './database.ts';

/** A folder of the test file for files to import; gone with it. */
export function useFolder(): () => string {
  let folder = '';
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'rae-transfer-'));
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  return () => folder;
}

let made = 0;

/** Writes a file in a folder of its own and gives its path. */
export function fileOf(folder: string, name: string, content: string | Buffer): string {
  made += 1;
  mkdirSync(join(folder, String(made)));
  const path = join(folder, String(made), name);
  writeFileSync(path, content);
  return path;
}

/** Rows as JSONL. */
export const jsonl = (...rows: readonly unknown[]): string => rows.map((row) => `${JSON.stringify(row)}\n`).join('');

/** Imports as the command does. */
export function importInto(
  database: TestDatabase,
  tenantId: string,
  file: string,
  request: Partial<ImportRequest> & { readonly stdin?: Readable } = {},
): Promise<ImportReport> {
  const { stdin = Readable.from([]), ...rest } = request;
  const tenants = database.tenants('rae_api', { statementTimeoutMs: 0, prepared: false });
  return importFile(
    { tenants, clock: systemClock, stdin },
    { tenantId, file, onConflict: 'skip', ignoreUnknown: false, onIgnored: () => undefined, ...rest },
  );
}

/** Exports as the command does, and gives the text. */
export async function exported(
  database: TestDatabase,
  tenantId: string,
  request: Partial<Pick<ExportRequest, 'kinds' | 'format'>> = {},
): Promise<string> {
  const pieces: Buffer[] = [];
  const tenants = database.tenants('rae_api', { statementTimeoutMs: 0, prepared: false });
  await exportTenant(tenants, systemClock, {
    ...{ tenantId, kinds: KIND_NAMES, format: 'jsonl' },
    ...request,
    take: async (piece) => void pieces.push(piece),
  });
  return Buffer.concat(pieces).toString('utf8');
}

/** What a reject file says. */
export function rejectsIn(path: string): Record<string, unknown>[] {
  return readFileSync(path, 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
}
