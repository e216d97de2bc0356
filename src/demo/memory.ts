import { DAY, SECOND } from '../kernel/duration.ts';
import { SeededRandom, seededId } from './seed.ts';
import type { DemoTenant } from './tenant.ts';
import { WORDS } from './words.ts';

const LAYERS = ['episodic', 'semantic', 'working', 'sensory', 'reflective'] as const;

/** Of a hundred memories so many are at most of this layer: 45 episodic, 25 semantic, 15 working, 10 sensory, 5 reflective. */
const UP_TO = [45, 70, 85, 95, 100] as const;

const OLDEST_DAYS = 400;

/** A memory as demo.sql takes it. Ages are seconds before the demo was made. */
export interface DemoMemory {
  readonly id: string;
  readonly content: string;
  readonly source: string;
  readonly importance: number;
  readonly layer: (typeof LAYERS)[number];
  readonly tags: string;
  readonly age: number;
  readonly idle: number;
  readonly usage: number;
  readonly project: string;
  readonly agent: string;
}

/** A tenant's first five memories are of one layer each, so that the smallest demo shows them all. */
function layerOf(index: number, random: number): DemoMemory['layer'] {
  const first = index < LAYERS.length ? LAYERS[index] : undefined;
  return first ?? LAYERS[UP_TO.findIndex((upTo) => random * 100 < upTo)] ?? 'episodic';
}

function sentence(random: SeededRandom): string {
  const [person, did] = [random.pick(WORDS.person), random.pick(WORDS.did)];
  return `${person} ${did} ${random.pick(WORDS.thing)} ${random.pick(WORDS.detail)}.`;
}

/** The tenant's memory of this number, from 0: always the same. */
export function demoMemory(tenant: DemoTenant, index: number): DemoMemory {
  const random = new SeededRandom(tenant.index, index + 1);
  const age = random.next() * OLDEST_DAYS * (DAY / SECOND);
  const tags = WORDS.tag.filter(() => random.next() < 0.2);
  return {
    id: seededId('memory', tenant.index, index),
    content: sentence(random),
    source: random.pick(WORDS.source),
    importance: Math.round((0.02 + 0.98 * random.next()) * 1_000) / 1_000,
    layer: layerOf(index, random.next()),
    tags: tags.join(','),
    age: Math.round(age),
    // Cubed: most are recalled now and then, few were forgotten long ago.
    idle: Math.round(age * random.next() ** 3),
    usage: Math.floor(40 * random.next() ** 4),
    project: tenant.projects[Math.floor(random.next() ** 2 * tenant.projects.length)] ?? 'default',
    agent: random.pick(WORDS.agent),
  };
}
