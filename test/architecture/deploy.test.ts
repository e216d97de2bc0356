import { readdirSync, readFileSync } from 'node:fs';
import { Registry } from 'prom-client';
import { expect, it } from 'vitest';
import { makeMetrics } from '../../src/observe/metric-table.ts';

const read = (path: string) => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');
const workers = readdirSync(new URL('../../workers', import.meta.url), { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .map((entry) => entry.name);
const alerts = read('deploy/prometheus/alerts.yml');

it('every worker has a service in docker-compose.yml and is scraped', () => {
  const compose = read('docker-compose.yml');
  const services = [...compose.matchAll(/^ {4}command: \[worker, ([a-z-]+)\]$/gm)].map((match) => match[1]);
  expect(services.sort()).toEqual(workers.sort());
  const scraped = /names: \[(.*)\]/.exec(read('deploy/prometheus/prometheus.yml'))?.[1]?.split(', ');
  expect(scraped?.sort()).toEqual(['api', 'scheduler', ...workers.map((name) => `worker-${name}`)].sort());
});

it('every metric that an alert reads is one that processes serve', async () => {
  const registry = new Registry();
  makeMetrics(registry);
  const known = (await registry.getMetricsAsJSON()).map((metric) => metric.name);
  const read = [...alerts.matchAll(/^ +expr: .*$/gm)].flatMap(([line]) => line.match(/\brae_[a-z_]+/g) ?? []);
  expect(read.length).toBeGreaterThan(2);
  expect(known).toEqual(expect.arrayContaining(read));
});

it('every alert has its section in the runbook', () => {
  const names = [...alerts.matchAll(/- alert: (\w+)/g)].map((match) => match[1]);
  const targets = [...alerts.matchAll(/runbook: docs\/runbook\.md#(\S+)/g)].map((match) => match[1]);
  const sections = [...read('docs/runbook.md').matchAll(/^## (\w+)$/gm)].map((match) => match[1]);
  expect(names).toEqual(sections);
  expect(targets).toEqual(names.map((name) => name?.toLowerCase()));
});
