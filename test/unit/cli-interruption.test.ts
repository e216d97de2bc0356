import { describe, expect, it } from 'vitest';
import { unlessTold } from '../../src/cli/up/interruption.ts';

function signals() {
  const stop = new AbortController();
  const force = new AbortController();
  return { stop, force, interruption: { stop: stop.signal, force: force.signal } };
}

const never = new Promise<never>(() => undefined);
const LONG_MS = 1_000_000;

describe('work that the user may interrupt', () => {
  it('gives what it gives, also when it is nearly done at the first signal', async () => {
    const { stop, interruption } = signals();
    stop.abort();
    expect(await unlessTold(Promise.resolve('opened'), interruption, LONG_MS)).toBe('opened');
  });

  it('is given up once the patience after the first signal is over', async () => {
    const { stop, interruption } = signals();
    const work = unlessTold(never, interruption, 1);
    stop.abort();
    await expect(work).rejects.toMatchObject({ code: 'RAE_INTERRUPTED' });
  });

  it('is given up at the second signal at once, however long it would be waited for', async () => {
    const { stop, force, interruption } = signals();
    const work = unlessTold(never, interruption, LONG_MS);
    stop.abort();
    force.abort();
    await expect(work).rejects.toMatchObject({ code: 'RAE_INTERRUPTED' });
  });
});
