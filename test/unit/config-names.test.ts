import { describe, expect, it } from 'vitest';
import { loadConfig } from '../../src/config/config.ts';

const warningsOf = (env: Record<string, string>) => loadConfig(env).warnings;

describe('a misspelt name stops the start and names the right one', () => {
  it.each([
    ['RAE_PARTITION', 'RAE_PARTITIONS'],
    ['RAE_CONCURENCY', 'RAE_CONCURRENCY'],
    ['RAE_DATBASE_URL', 'RAE_DATABASE_URL'],
    ['RAE_REDIS_URL_FIEL', 'RAE_REDIS_URL_FILE'],
    ['rae_window', 'RAE_WINDOW'],
    ['RAE_METRICSPORT', 'RAE_METRICS_PORT'],
    ['RAE_SHARD_EU_URI', 'RAE_SHARD_EU_URL'],
    ['RAE_SHARDS_EU_URL', 'RAE_SHARD_EU_URL'],
    ['RAE_SHARD_eu-west_URL', 'RAE_SHARD_EU_WEST_URL'],
  ])('%s', (wrong, right) => {
    expect(() => loadConfig({ [wrong]: 'x' })).toThrow(`${wrong} is not a setting; did you mean ${right}?`);
  });

  it('and so does a second name for the shard main', () => {
    expect(() => loadConfig({ RAE_SHARD_MAIN_URL: 'postgres://h/db' })).toThrow('the shard main is RAE_DATABASE_URL');
  });
});

describe('any other unknown name is a warning', () => {
  it.each(['RAE_PATH', 'RAE_COLOUR', 'RAE_HOME', 'RAE_DATABASE_HOST'])('%s', (name) => {
    expect(warningsOf({ [name]: 'x' })).toEqual([`ignored ${name}: no setting of RAE is called so`]);
  });

  it('names of other programs are not looked at', () => {
    expect(warningsOf({ PATH: '/bin', RAEDATABASE_URL: 'x', GRAE_PARTITION: '1' })).toEqual([]);
  });
});

describe('what Kubernetes injects for its services never stops a start', () => {
  /** The variables of one service, as the kubelet sets them. */
  function linksOf(service: string): Record<string, string> {
    const name = service.toUpperCase().replaceAll('-', '_');
    return {
      [`${name}_SERVICE_HOST`]: '10.0.0.11',
      [`${name}_SERVICE_PORT`]: '80',
      [`${name}_SERVICE_PORT_HTTP`]: '80',
      [`${name}_PORT`]: 'tcp://10.0.0.11:80',
      [`${name}_PORT_80_TCP`]: 'tcp://10.0.0.11:80',
      [`${name}_PORT_80_TCP_PROTO`]: 'tcp',
      [`${name}_PORT_80_TCP_PORT`]: '80',
      [`${name}_PORT_80_TCP_ADDR`]: '10.0.0.11',
    };
  }

  it.each(['rae', 'rae-api', 'rae-http', 'rae-metrics', 'rae-redis', 'rae-shard-eu', 'rae-data', 'rae-window'])(
    'a service called %s brings one warning that says what it is',
    (service) => {
      const { config, warnings } = loadConfig(linksOf(service));
      expect(warnings).toHaveLength(1);
      expect(warnings[0]).toContain(`set by Kubernetes for a service called ${service}`);
      expect(config.metricsPort).toBe(0);
    },
  );

  it('RAE_API_PORT is a warning whatever its value', () => {
    for (const value of ['tcp://10.0.0.1:80', '3000', '']) expect(warningsOf({ RAE_API_PORT: value })).toHaveLength(1);
  });

  it('but a metrics port that a person mistyped is a mistake', () => {
    expect(() => loadConfig({ RAE_METRICS_PORT: '80a' })).toThrow('RAE_METRICS_PORT is "80a"');
    expect(loadConfig({ ...linksOf('rae-api'), RAE_METRICS_PORT: '9464' }).config.metricsPort).toBe(9_464);
  });
});
