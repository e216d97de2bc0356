import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';
import { Database } from '../../src/db/database.ts';
import { migrate } from '../../src/db/migrate.ts';
import { resolveServices, type ServicesRequest } from '../../src/embedded/services.ts';
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

/**
 * Starts or finds Postgres and Redis, migrates one template database and makes a login role for each role of the fleet.
 * Given servers are left as they were: all that is made there begins with a random prefix and is removed again.
 * Gives what ends all that.
 */
export default async function setup(project: Pick<TestProject, 'provide'>): Promise<() => Promise<void>> {
  const dataDir = mkdtempSync(join(tmpdir(), 'rae-test-'));
  const say = (line: string) => process.stdout.write(`${line}\n`);
  const running = await resolveServices({ ...asked(), dataDir, purpose: 'test', env: process.env, say });
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
      rmSync(dataDir, { recursive: true, force: true });
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
