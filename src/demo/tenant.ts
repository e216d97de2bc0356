import { DAY } from '../kernel/duration.ts';
import { SeededRandom, seededId } from './seed.ts';
import { SCHEDULES, WORDS } from './words.ts';

/** A tenant of the demo; always the same for its number, but for the date it was made at. */
export interface DemoTenant {
  readonly index: number;
  readonly tenantId: string;
  readonly name: string;
  readonly plan: 'free' | 'pro' | 'enterprise';
  readonly status: 'active' | 'suspended';
  readonly contactEmail: string;
  readonly createdAt: Date;
  readonly projects: readonly [string, ...string[]];
  /** Set for one in ten. */
  readonly schedule: { readonly cron: string; readonly time_zone: string } | undefined;
}

/** The first three have one plan each, so that the smallest demo shows them all; of the others most are free. */
function planOf(index: number, random: number): DemoTenant['plan'] {
  const first = (['enterprise', 'pro', 'free'] as const)[index];
  if (first !== undefined) return first;
  if (random < 0.08) return 'enterprise';
  return random < 0.3 ? 'pro' : 'free';
}

/** The tenant of this number, from 0, as it is when made at `now`. */
export function demoTenant(index: number, now: Date): DemoTenant {
  const random = new SeededRandom(index);
  const plan = planOf(index, random.next());
  const words = [random.pick(WORDS.colour), random.pick(WORDS.place), random.pick(WORDS.trade)];
  const name = `${words.join(' ')} ${index + 1}`;
  // Older than its oldest memory.
  const ageMs = (400 + 500 * random.next()) * DAY;
  const further = plan === 'free' ? [] : WORDS.project.slice(0, plan === 'pro' ? 1 : 3);
  return {
    index,
    tenantId: seededId('tenant', index),
    name,
    plan,
    status: index % 50 === 49 ? 'suspended' : 'active',
    contactEmail: `admin@${name.toLowerCase().replaceAll(' ', '-')}.example`,
    createdAt: new Date(now.getTime() - ageMs),
    projects: ['default', ...further],
    schedule: index % 10 === 7 ? SCHEDULES[Math.floor(index / 10) % SCHEDULES.length] : undefined,
  };
}
