import { randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { messageOf, RaeError } from '../kernel/errors.ts';

const schema = z.object({
  version: z.literal(1),
  /** The process that runs the fleet. */
  pid: z.int().positive(),
  startedAt: z.iso.datetime(),
  /** One login per role: complete with passwords. */
  urls: z.object({
    owner: z.string(),
    scheduler: z.string(),
    worker: z.string(),
    api: z.string(),
    operator: z.string(),
  }),
  redisUrl: z.string(),
  /** The address of the API. */
  apiUrl: z.string().optional(),
  /** Where each process serves /healthz, /readyz and /metrics, by its name. */
  metricsPorts: z.record(z.string(), z.int()).default({}),
});

/** A fleet that `rae up` runs, as other commands find it: `fleet.json` in its data directory. */
export type FleetFile = Readonly<z.output<typeof schema>>;

function pathIn(dataDir: string): string {
  return join(dataDir, 'fleet.json');
}

/** The fleet of this data directory; undefined where there is none, or one this release cannot read. */
export function readFleetFile(dataDir: string): FleetFile | undefined {
  let text: string;
  try {
    text = readFileSync(pathIn(dataDir), 'utf8');
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    throw new RaeError('RAE_NO_FLEET', `the fleet in ${dataDir} cannot be read: ${messageOf(error)}`, {
      hint: 'run as the user who started it',
      cause: error,
    });
  }
  try {
    return schema.parse(JSON.parse(text));
  } catch {
    return undefined;
  }
}

/** Announces a fleet, whole or not at all, to nobody but this user: it holds passwords. */
export function writeFleetFile(dataDir: string, fleet: FleetFile): void {
  const draft = `${pathIn(dataDir)}.${randomBytes(6).toString('hex')}`;
  mkdirSync(dataDir, { recursive: true });
  try {
    writeFileSync(draft, `${JSON.stringify(schema.parse(fleet), null, 2)}\n`, { mode: 0o600 });
    renameSync(draft, pathIn(dataDir));
  } finally {
    rmSync(draft, { force: true });
  }
}

/** Takes the announcement back, if it is that of the process `pid`: a later fleet's stays. */
export function removeFleetFile(dataDir: string, pid: number): void {
  if (readFleetFile(dataDir)?.pid === pid) rmSync(pathIn(dataDir), { force: true });
}
