import { eventually } from './eventually.ts';
import type { Random } from './random.ts';

/** Lets a random part of `mostMs` go by, so that a fault comes at a moment that nobody chose. */
export async function randomMoment(random: Random, mostMs: number): Promise<void> {
  const until = performance.now() + random.between(0, mostMs);
  await eventually(() => (performance.now() >= until ? true : undefined), { what: 'the moment to come' });
}
