import { describe, expect, it } from 'vitest';
import { Events } from '../../src/observe/events.ts';
import { type LogOptions, logEvents } from '../../src/observe/log.ts';

const clock = { now: () => new Date('2026-11-23T02:00:00.000Z'), monotonicMs: () => 0 };

function logged(options: Partial<LogOptions>, emit: (events: Events) => void): string[] {
  const events = new Events();
  const lines: string[] = [];
  const sink = { write: (line: string) => void lines.push(line) };
  logEvents(events, { process: 'worker decay', level: 'info', format: 'json', clock, sink, ...options });
  emit(events);
  return lines;
}

const failed = {
  tenantId: '3f2a0000-0000-4000-8000-000000000001',
  worker: 'decay',
  runId: '3f2a0000-0000-4000-8000-000000000002',
  attempt: 2,
  failures: 1,
  code: 'RAE_INTERNAL',
  message: 'connection lost',
  retryInMs: 900,
};

describe('a log line', () => {
  it('is one JSON object with stable names in snake case', () => {
    const [line = ''] = logged({}, (events) => events.emit('run.failed', failed));
    expect(line.endsWith('}\n')).toBe(true);
    expect(JSON.parse(line)).toEqual({
      level: 'warn',
      ts: '2026-11-23T02:00:00.000Z',
      process: 'worker decay',
      event: 'run.failed',
      tenant_id: failed.tenantId,
      worker: 'decay',
      run_id: failed.runId,
      attempt: 2,
      failures: 1,
      code: 'RAE_INTERNAL',
      message: 'connection lost',
      retry_in_ms: 900,
    });
    expect(line.match(/"process"/g)).toHaveLength(1);
  });

  it('is written from the level that was asked for', () => {
    const emit = (events: Events) => {
      events.emit('queue.attached', { queue: 'rae.decay.p00' });
      events.emit('service.ready', { process: 'scheduler' });
      events.emit('run.failed', failed);
    };
    expect(logged({ level: 'debug' }, emit)).toHaveLength(3);
    expect(logged({}, emit)).toHaveLength(2);
    expect(logged({ level: 'warn' }, emit)).toHaveLength(1);
    expect(logged({ level: 'silent' }, emit)).toHaveLength(0);
  });

  it('never shows credentials', () => {
    const message = `cannot reach redis://:hunter2@h:6379 nor postgres://rae:hunter2@h/db (password=hunter2)`;
    for (const format of ['json', 'pretty'] as const) {
      const lines = logged({ format }, (events) => {
        events.emit('redis.disconnected', { role: 'producer', message });
        events.emit('config.warned', { message, apiKey: 'hunter2' } as never);
        // Where the text is cut, a URL must not lose the @ that gives its password away.
        events.emit('config.warned', { message: `${'x'.repeat(1_980)} postgres://rae:hunter2@h/db` });
      });
      expect(lines).toHaveLength(3);
      expect(lines.join('')).not.toContain('hunter2');
    }
  });

  it('stays of bounded length', () => {
    const [line = ''] = logged({}, (events) => events.emit('config.warned', { message: 'é'.repeat(100_000) }));
    expect(JSON.parse(line).message).toHaveLength(2_001);
  });

  it('stays one line and steers no terminal, whatever a message holds', () => {
    const message = 'a\nb\r\u001b[2J\u009b31m\u202e\0';
    const [line = ''] = logged({}, (events) => events.emit('config.warned', { message }));
    expect(line.indexOf('\n')).toBe(line.length - 1);
    expect(JSON.parse(line).message).toBe(message);
    const [pretty = ''] = logged({ format: 'pretty' }, (events) => events.emit('config.warned', { message }));
    expect(pretty).toMatch(/^\[\d\d:\d\d:00\.000\] WARN: config\.warned process=worker decay message=a\\nb\\u000d/);
    expect(pretty.slice(0, -1)).not.toMatch(/[\p{Cc}\p{Cf}]/u);
  });

  it('holds numbers, lists and counts as they are', () => {
    const [line = ''] = logged({ level: 'trace' }, (events) =>
      events.emit('stats.collected', {
        at: 1,
        owed: [{ worker: 'decay', queueKind: 'shared', value: 3 }],
        eligible: [],
        held: [],
        oldestOwedSeconds: [],
        cycleLagSeconds: [],
        tenantsStale: [],
        dead: [],
        replicasWanted: [],
      }),
    );
    expect(JSON.parse(line)).toMatchObject({ owed: [{ worker: 'decay', queue_kind: 'shared', value: 3 }], dead: [] });
  });
});
