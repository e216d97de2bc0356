import { randomBytes } from 'node:crypto';
import type { TestProject } from 'vitest/node';
import { Database } from '../../src/db/database.ts';
import { migrate } from '../../src/db/migrate.ts';
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

/**
 * Starts or finds Postgres and Redis, migrates one template database and makes a login role for each role of the fleet.
 * Gives what ends all that.
 */
export default async function setup(project: Pick<TestProject, 'provide'>): Promise<() => Promise<void>> {
  const given = {
    postgres: process.env.RAE_TEST_DATABASE_URL ?? '',
    redis: process.env.RAE_TEST_REDIS_URL ?? '',
  };
  const prefix = `rae_test_${randomBytes(3).toString('hex')}`;
  const services: TestServices = {
    adminUrl: given.postgres,
    redisUrl: given.redis,
    template: `${prefix}_template`,
    prefix,
    password: randomBytes(12).toString('hex'),
  };
  await prepare(services);
  project.provide('services', services);
  return async () => {
    await clear(services);
  };
}
