import { describe, expect, it } from 'vitest';
import { takesQueue } from '../../queues/consumers.ts';
import { dedicatedQueue, sharedQueue } from '../../queues/names.ts';
import { loadConfig } from '../../src/config/config.ts';
import { Consumption } from '../../src/kernel/consumption.ts';

const [ONE, TWO] = ['3f2a8c54-1f7e-4c0b-9a53-0d7e2b1c9f10', '7d1f0c52-88c1-4a55-9a0e-6f6b1d1a2c3e'] as const;
const QUEUES = [
  sharedQueue('decay', 0),
  sharedQueue('decay', 7),
  sharedQueue('decay', 256),
  dedicatedQueue('decay', ONE),
  dedicatedQueue('decay', TWO),
] as const;

function takenOf(text: string | undefined): string {
  const consumes = new Consumption(loadConfig(text === undefined ? {} : { RAE_CONSUME: text }).config.consume);
  return QUEUES.map((queue) => (takesQueue(consumes, queue) ? 'x' : '.')).join('');
}

describe('which queues a process takes', () => {
  it.each([
    [undefined, 'xxxxx'],
    ['shared,dedicated', 'xxxxx'],
    ['shared', 'xxx..'],
    ['0-3', 'x....'],
    ['7, 0', 'xx...'],
    ['quarantine', '..x..'],
    ['dedicated', '...xx'],
    [`4-9,${ONE.toUpperCase()}`, '.x.x.'],
  ] as const)('%s', (text, taken) => {
    expect(takenOf(text)).toBe(taken);
  });

  it('is the same in whatever order and however often it is said', () => {
    expect(new Consumption(`${TWO},2,0-1,5,${ONE},1`).text).toBe(`0-2,5,${ONE},${TWO}`);
    expect(new Consumption(`${TWO},quarantine,3,dedicated,shared`).text).toBe('shared,dedicated');
  });
});

describe('what is wrong with it', () => {
  it('stops the start, entry by entry, with what was probably meant', () => {
    const text = `0-3,dedicatd,9-3,p07,256,rae.decay.p256,t-${ONE},all,1..4,,elsewhere`;
    const load = () => loadConfig({ RAE_CONSUME: text, RAE_CONCURRENCY: 'many' });
    const said = [
      'has "dedicatd", which is no partition, no tenant id and none of shared, dedicated, quarantine; did you mean dedicated?',
      'has "9-3", which ends before it begins; did you mean 3-9?',
      'has "p07", which is no partition, no tenant id and none of shared, dedicated, quarantine; did you mean 7?',
      'has "256", but 255 is the last partition that there may be',
      'has "rae.decay.p256", which is no partition, no tenant id and none of shared, dedicated, quarantine; did you mean quarantine?',
      `has "t-${ONE}", which is no partition, no tenant id and none of shared, dedicated, quarantine; did you mean ${ONE}?`,
      'has "all", which is no partition, no tenant id and none of shared, dedicated, quarantine; did you mean shared,dedicated?',
      'has "1..4", which is no partition, no tenant id and none of shared, dedicated, quarantine; did you mean 1-4?',
      'has nothing in entry 10',
      'has "elsewhere", which is no partition, no tenant id and none of shared, dedicated, quarantine',
    ];
    expect(load).toThrow('11 settings are wrong');
    for (const one of said) expect(load).toThrow(`RAE_CONSUME ${one}; expected`);
    expect(load).toThrow('RAE_CONCURRENCY is "many"');
  });
});
