import { randomBytes } from 'node:crypto';
import { rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { TestProject } from 'vitest/node';
import { Database } from '../../src/db/database.ts';
import { migrate } from '../../src/db/migrate.ts';
import { resolveServices, type Services, type ServicesRequest } from '../../src/embedded/services.ts';
import { RaeError } from '../../src/kernel/errors.ts';
import { fleetSchema } from './fleet-schema.ts';
import { createLogins, dropLogins } from './login-role.ts';
import type { TestServices } from './provided.ts';
import { connected, urlWith } from './server.ts';

/** Makes the database that every test file gets a copy of, and the login roles. */
async function prepare(services: TestServices): Promise<void> {
  const { adminUrl, template, prefix, password } = services;
  await connected(adminUrl, (client) =>
    client.query(`create database ${client.escapeIdentifier(template)} template template0`),
  );
  const database = new Database({
    url: urlWith(adminUrl, { database: template }),
    applicationName: 'rae test migrate',
    poolSize: 1,
    statementTimeoutMs: 60_000,
    prepared: true,
  });
  try {
    await migrate(database, await fleetSchema());
  } finally {
    // A database with a session on it cannot be copied.
    await database.close();
  }
  await connected(adminUrl, (client) => createLogins(client, prefix, password));
}

/** Removes every database and role of this run from the server. */
async function clear({ adminUrl, prefix }: TestServices): Promise<void> {
  await connected(adminUrl, async (client) => {
    const { rows } = await client.query<{ name: string }>(
      'select datname as name from pg_catalog.pg_database where starts_with(datname, $1)',
      [prefix],
    );
    for (const { name } of rows) await client.query(`drop database ${client.escapeIdentifier(name)} with (force)`);
    await dropLogins(client, prefix);
  });
}

/** The setting `name` of the environment; an empty one counts as not set. */
function setting(name: string): string | undefined {
  const value = process.env[name];
  return value === undefined || value === '' ? undefined : value;
}

/** What the environment says about where to take the services from. */
function asked(): Pick<ServicesRequest, 'postgresUrl' | 'redisUrl' | 'containers'> {
  const way = setting('RAE_TEST_SERVICES');
  if (way === 'containers') return { containers: true };
  if (way === 'embedded') return {};
  if (way !== undefined) throw new Error(`RAE_TEST_SERVICES is "${way}"; expected containers or embedded`);
  const postgresUrl = setting('RAE_TEST_DATABASE_URL') ?? setting('RAE_DATABASE_URL');
  const redisUrl = setting('RAE_TEST_REDIS_URL') ?? setting('RAE_REDIS_URL');
  return { ...(postgresUrl === undefined ? {} : { postgresUrl }), ...(redisUrl === undefined ? {} : { redisUrl }) };
}

/** Most runs of the tests at once in one checkout. */
const RUNS_AT_ONCE = 8;

/**
 * The services on a data directory of this checkout that no other run uses. The same few directories are used again,
 * so that what a killed run left in one is cleared away by the next.
 */
async function resolved(): Promise<Services> {
  const say = (line: string) => process.stdout.write(`${line}\n`);
  for (let run = 1; ; run += 1) {
    const dataDir = fileURLToPath(new URL(`../../.rae/test-${run}`, import.meta.url));
    try {
      const services = await resolveServices({ ...asked(), dataDir, purpose: 'test', env: process.env, say });
      const stop = async () => {
        await services.stop();
        rmSync(dataDir, { recursive: true, force: true });
      };
      return { ...services, stop };
    } catch (error) {
      const isTaken = error instanceof RaeError && error.code === 'RAE_DATA_DIR_UNUSABLE';
      if (!isTaken || run === RUNS_AT_ONCE) throw error;
    }
  }
}

/**
 * Starts or finds Postgres and Redis, migrates one template database and makes a login role for each role of the fleet.
 * Given servers are left as they were: all that is made there begins with a random prefix and is removed again.
 * Gives what ends all that.
 */
export default async function setup(project: Pick<TestProject, 'provide'>): Promise<() => Promise<void>> {
  const running = await resolved();
  const prefix = `rae_test_${randomBytes(3).toString('hex')}`;
  const services: TestServices = {
    adminUrl: running.postgres.url,
    redisUrl: running.redis.url,
    template: `${prefix}_template`,
    prefix,
    password: randomBytes(12).toString('hex'),
  };
  const stop = async () => {
    try {
      await clear(services);
    } finally {
      await running.stop();
    }
  };
  try {
    await prepare(services);
  } catch (error) {
    await stop();
    throw error;
  }
  project.provide('services', services);
  return stop;
}
