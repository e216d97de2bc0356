import { describe, expect, it } from 'vitest';
import { Events } from '../../src/observe/events.ts';
import { RUN_ENDS } from '../../src/observe/field.ts';
import { Metrics } from '../../src/observe/metrics.ts';

const workers = ['decay', 'delivery'];
const plans = ['free', 'pro', 'enterprise'];

async function watched(emit: (events: Events) => void = () => {}) {
  const events = new Events();
  const failures: string[] = [];
  events.on('observer.failed', ({ message }) => failures.push(message));
  const metrics = new Metrics({ workers, plans, holds: ['cap', 'retry_time'] });
  const stop = metrics.follow(events);
  emit(events);
  stop();
  const text = await metrics.text();
  expect(failures).toEqual([]);
  /** The value of the series written like this. */
  const value = (series: string) =>
    text
      .split('\n')
      .filter((line) => line.startsWith(`${series} `))
      .map((line) => Number(line.slice(series.length + 1)))[0];
  return { text, value, metrics };
}

const finished = {
  tenantId: '3f2a0000-0000-4000-8000-000000000001',
  worker: 'decay',
  runId: '3f2a0000-0000-4000-8000-000000000002',
  attempt: 1,
  plan: 'pro',
  outcome: 'done',
  seconds: 0.2,
  waitSeconds: 3,
  counts: { decayed: 5 },
} as const;

describe('metrics', () => {
  it('begin at 0 for every worker, plan and outcome, so that the first event is seen as an increase', async () => {
    const { value } = await watched();
    for (const worker of workers) {
      expect(value(`rae_run_seconds_count{worker="${worker}"}`)).toBe(0);
      for (const plan of plans) {
        expect(value(`rae_run_wait_seconds_count{worker="${worker}",plan="${plan}"}`)).toBe(0);
        for (const outcome of RUN_ENDS) {
          expect(value(`rae_runs_total{worker="${worker}",plan="${plan}",outcome="${outcome}"}`)).toBe(0);
        }
      }
    }
    for (const state of ['running', 'queued']) expect(value(`rae_runs_rescued_total{state="${state}"}`)).toBe(0);
    expect(value('rae_fence_lost_total')).toBe(0);
  });

  it('count what the events say', async () => {
    const run = { tenantId: 't', worker: 'decay', runId: 'r', attempt: 1 };
    const { value } = await watched((events) => {
      events.emit('service.started', { process: 'scheduler', version: '0.1.0', node: 'v20', pid: 1 });
      events.emit('run.finished', finished);
      events.emit('run.finished', { ...finished, outcome: 'retried', waitSeconds: -0.5 });
      events.emit('fence.lost', run);
      events.emit('ticket.refused', { queue: 'rae.decay.p00', reason: 'signature' });
      events.emit('runs.rescued', { running: 2, queued: 5 });
      events.emit('dispatch.lease_taken', { shard: 'main', epoch: 1, holder: 'a' });
      events.emit('dispatch.lease_taken', { shard: 'eu', epoch: 1, holder: 'a' });
      events.emit('dispatch.lease_lost', { shard: 'main', epoch: 1, holder: 'a' });
      events.emit('database.unpatched', { version: '15.1', fixedIn: '15.11', cve: 'CVE-2024-10976' });
    });
    expect(value('rae_build_info{version="0.1.0",node="v20"}')).toBe(1);
    expect(value('rae_runs_total{worker="decay",plan="pro",outcome="done"}')).toBe(1);
    expect(value('rae_runs_total{worker="decay",plan="pro",outcome="retried"}')).toBe(1);
    expect(value('rae_run_seconds_sum{worker="decay"}')).toBe(0.4);
    expect(value('rae_run_wait_seconds_sum{worker="decay",plan="pro"}')).toBe(3);
    expect(value('rae_fence_lost_total')).toBe(1);
    expect(value('rae_envelopes_refused_total{reason="signature"}')).toBe(1);
    expect(value('rae_runs_rescued_total{state="queued"}')).toBe(5);
    expect(value('rae_dispatch_leader{shard="main"}')).toBe(0);
    expect(value('rae_dispatch_leader{shard="eu"}')).toBe(1);
    expect(value('rae_postgres_unpatched{version="15.1"}')).toBe(1);
    expect(value('process_resident_memory_bytes')).toBeGreaterThan(0);
  });

  it('show what was read last from the database, and 0 for what is no longer there', async () => {
    const none = {
      eligible: [],
      held: [],
      oldestOwedSeconds: [],
      cycleLagSeconds: [],
      tenantsStale: [],
      dead: [],
      replicasWanted: [],
    };
    const { value, text } = await watched((events) => {
      events.emit('stats.collected', {
        ...none,
        at: 100,
        owed: [{ worker: 'decay', queueKind: 'dedicated', value: 7 }],
        held: [{ worker: 'decay', reason: 'cap', value: 7 }],
        dead: [{ worker: 'decay', value: 2 }],
      });
      events.emit('stats.collected', {
        ...none,
        at: 130,
        owed: [{ worker: 'decay', queueKind: 'shared', value: 4 }],
        eligible: [{ worker: 'decay', queueKind: 'shared', value: 3 }],
        held: [{ worker: 'decay', reason: 'retry_time', value: 1 }],
        replicasWanted: [{ worker: 'decay', queueKind: 'shared', value: 2.5 }],
      });
    });
    expect(value('rae_runs_owed{worker="decay",queue_kind="shared"}')).toBe(4);
    expect(value('rae_runs_owed{worker="decay",queue_kind="dedicated"}')).toBe(0);
    expect(value('rae_runs_eligible{worker="decay",queue_kind="shared"}')).toBe(3);
    expect(value('rae_runs_held{worker="decay",reason="retry_time"}')).toBe(1);
    expect(value('rae_runs_held{worker="decay",reason="cap"}')).toBe(0);
    expect(value('rae_replicas_wanted{worker="decay",queue_kind="shared"}')).toBe(2.5);
    expect(value('rae_replicas_wanted{worker="decay",queue_kind="dedicated"}')).toBe(0);
    expect(value('rae_runs_dead{worker="decay"}')).toBe(0);
    expect(value('rae_stats_collected_timestamp_seconds')).toBe(130);
    for (const name of ['rae_runs_owed', 'rae_oldest_owed_seconds', 'rae_tenants_stale', 'rae_runs_dead']) {
      expect(text).toMatch(new RegExp(`# HELP ${name} .*use max by, never sum`));
    }
  });

  it('never grow with what tenants or attackers name', async () => {
    const { text } = await watched((events) => {
      for (let i = 0; i < 1_000; i += 1) {
        const counts = { cost_micro_usd: 1_000_000 };
        events.emit('run.finished', { ...finished, tenantId: `t${i}`, worker: `w${i}`, plan: `p${i}`, counts });
        events.emit('ticket.refused', { queue: 'q', reason: `r${i}` });
      }
    });
    const ofTenants = text.split('\n').filter((line) => /tenant_?id/i.test(line));
    expect(ofTenants.filter((line) => !line.startsWith('rae_cost_usd_total{'))).toEqual([]);
    expect(ofTenants).toHaveLength(51);
    expect(text).toContain('rae_cost_usd_total{tenant_id="other"} 950');
    expect(text).toContain('rae_runs_total{worker="other",plan="other",outcome="done"} 1000');
    expect(text).toContain('rae_envelopes_refused_total{reason="other"} 936');
    expect(text.split('\n').filter((line) => line.startsWith('rae_')).length).toBeLessThan(400);
  });

  it('of two processes in one program are apart', async () => {
    const first = await watched((events) => events.emit('run.finished', finished));
    const second = await watched();
    expect(first.value('rae_runs_total{worker="decay",plan="pro",outcome="done"}')).toBe(1);
    expect(second.value('rae_runs_total{worker="decay",plan="pro",outcome="done"}')).toBe(0);
  });
});
