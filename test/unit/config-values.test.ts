import { describe, expect, it } from 'vitest';
import { loadConfig } from '../../src/config/config.ts';

describe('an empty environment', () => {
  it('gives a configuration that suits a laptop, and no warning', () => {
    const { config, warnings } = loadConfig({});
    expect(warnings).toEqual([]);
    expect(config).toMatchObject({
      databaseUrl: undefined,
      redisUrl: undefined,
      shards: {},
      partitions: 2,
      concurrency: 16,
      pgPool: 8,
      window: 2_000,
      reserve: 0.2,
      metricsPort: 0,
      logLevel: 'info',
      logFormat: 'auto',
      drainMs: 20_000,
      leaseMs: 30_000,
      statementTimeoutMs: 20_000,
      fanoutChunk: 50_000,
      maxFailures: 8,
      maxLapses: 20,
      retryBaseMs: 1_000,
      retryCapMs: 600_000,
      housekeepingMs: 60_000,
      preparedStatements: true,
      requirePatchedPostgres: false,
      settings: {},
      testServices: undefined,
    });
  });
});

describe('what the environment says', () => {
  it('is read into the words of the code', () => {
    const { config } = loadConfig({
      DATABASE_URL: 'postgres://fallback/db',
      RAE_REDIS_URL: 'redis://own',
      REDIS_URL: 'redis://fallback',
      RAE_SHARD_EU_1_URL: 'postgres://eu/db',
      RAE_LEASE_SECONDS: '2',
      RAE_PREPARED_STATEMENTS: 'off',
      RAE_REQUIRE_PATCHED_POSTGRES: 'true',
      RAE_SETTINGS: '{"decay":{"step_rows":7}}',
    });
    expect(config).toMatchObject({
      databaseUrl: 'postgres://fallback/db',
      redisUrl: 'redis://own',
      shards: { eu_1: 'postgres://eu/db' },
      leaseMs: 2_000,
      statementTimeoutMs: 1_333,
      preparedStatements: false,
      requirePatchedPostgres: true,
      settings: { decay: { step_rows: 7 } },
    });
  });

  it('cannot be changed afterwards, at any depth', () => {
    const { config } = loadConfig({ RAE_SETTINGS: '{"decay":{"layers":[{"a":1}]}}' });
    const decay = config.settings.decay as { layers: { a: number }[] };
    expect(() => Object.assign(config, { window: 1 })).toThrow(TypeError);
    expect(() => Object.assign(config.shards, { eu: 'x' })).toThrow(TypeError);
    expect(() => decay.layers.push({ a: 2 })).toThrow(TypeError);
    expect(() => Object.assign(decay.layers[0] ?? {}, { a: 2 })).toThrow(TypeError);
  });
});
