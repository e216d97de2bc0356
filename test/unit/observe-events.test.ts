import { describe, expect, it } from 'vitest';
import { type AnyEvent, EVENTS, levelOf } from '../../src/observe/catalogue.ts';
import { Events } from '../../src/observe/events.ts';

const ready = { process: 'scheduler' };

describe('what the fleet says', () => {
  it('reaches who listens for that event, and who listens for all, until they stop', () => {
    const events = new Events();
    const heard: unknown[] = [];
    const stop = events.on('service.ready', (payload) => heard.push(payload.process));
    const stopAll = events.on('*', ({ name }) => heard.push(name));
    events.emit('service.ready', ready);
    events.emit('service.stopped', ready);
    stop();
    events.emit('service.ready', ready);
    stopAll();
    events.emit('service.ready', ready);
    expect(heard).toEqual(['scheduler', 'service.ready', 'service.stopped', 'service.ready']);
  });

  it('reaches the others although one subscriber throws, rejects or stops listening meanwhile', async () => {
    const events = new Events();
    const heard: string[] = [];
    events.on('service.ready', () => {
      throw new Error('broken observer');
    });
    events.on('service.ready', async () => {
      throw new Error('broken later');
    });
    const stop = events.on('service.ready', () => stop());
    events.on('service.ready', () => heard.push('told'));
    const later = events.next('observer.failed', { message: 'broken later' });
    const failed = events.next('observer.failed');
    events.emit('service.ready', ready);
    expect(await failed).toEqual({ during: 'service.ready', message: 'broken observer' });
    expect(await later).toMatchObject({ during: 'service.ready' });
    expect(heard).toEqual(['told']);
  });

  it('does not go round for ever when the subscriber that throws listens for everything', () => {
    const events = new Events();
    let calls = 0;
    events.on('*', () => {
      calls += 1;
      throw new Error('always');
    });
    events.emit('service.ready', ready);
    expect(calls).toBe(2);
  });
});

describe('waiting for an event', () => {
  it('ends with the first one that matches', async () => {
    const events = new Events();
    const byFields = events.next('queue.attached', { queue: 'rae.decay.p01' });
    const byFunction = events.next('queue.attached', ({ queue }) => queue.endsWith('2'));
    for (const queue of ['rae.decay.p00', 'rae.decay.p01', 'rae.decay.p02']) events.emit('queue.attached', { queue });
    expect(await byFields).toEqual({ queue: 'rae.decay.p01' });
    expect(await byFunction).toEqual({ queue: 'rae.decay.p02' });
  });

  it('that does not come says which events came instead', async () => {
    const events = new Events();
    const waiting = events.next('queue.released', { queue: 'x' }, 20);
    for (let i = 0; i < 100; i += 1) events.emit('queue.attached', { queue: `q${i}` });
    const error: Error = await waiting.then(
      () => expect.unreachable(),
      (thrown) => thrown,
    );
    expect(error.message).toContain('no queue.released that matches {"queue":"x"} within 20 ms; 100 others came');
    expect(error.message).toContain('queue.attached {"queue":"q99"}');
    expect(error.message).not.toContain('"q1"');
    await expect(events.next('queue.released', {}, 1)).rejects.toThrow('no event came meanwhile');
  });
});

describe('the catalogue', () => {
  it('names events noun.verbed, each with a sentence', () => {
    for (const [name, { says }] of Object.entries(EVENTS)) {
      expect(name).toMatch(/^[a-z]+\.[a-z]+(_[a-z]+)*$/);
      expect(says).toMatch(/^[A-Z].*\.$/);
    }
  });

  it('gives no field a name that every log line has already', () => {
    for (const { fields } of Object.values(EVENTS)) {
      for (const taken of ['ts', 'level', 'event']) expect(Object.keys(fields)).not.toContain(taken);
    }
  });

  it('makes a done run quiet and every other end of a run visible', () => {
    const finished = (outcome: 'done' | 'dead') => ({ name: 'run.finished', payload: { outcome } }) as AnyEvent;
    expect(levelOf(finished('done'))).toBe('debug');
    expect(levelOf(finished('dead'))).toBe('info');
  });
});
