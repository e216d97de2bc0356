import { describe, expect, it } from 'vitest';
import { checkedSchedule, faultOfSchedule } from '../../src/kernel/cron.ts';

const at = (cron: string, timeZone = 'UTC') => ({ cron, timeZone });

describe('a schedule that cannot be', () => {
  it.each([
    ['too few fields', at('* * * *'), 'must be five fields (minute hour day month weekday), not 4'],
    ['nothing', at(' '), 'must be five fields (minute hour day month weekday), not 0'],
    ['seconds', at('0 0 2 * * *'), 'must be five fields (minute hour day month weekday), not 6'],
    ['a nickname', at('@daily'), 'did you mean "0 0 * * *"?'],
    ['a minute out of range', at('61 * * * *'), 'minute 0-59'],
    ['a date that never comes', at('0 0 31 2 *'), 'names a date that never comes'],
    ['a misspelt zone', at('0 2 * * *', 'Europe/Berln'), 'must be an IANA time zone; did you mean Europe/Berlin?'],
    ['an offset for a zone', at('0 2 * * *', '+02:00'), 'must be an IANA time zone such as'],
    ['no zone', at('0 2 * * *', ''), 'must be an IANA time zone such as'],
  ])('is refused with what was expected: %s', (_what, schedule, says) => {
    expect(faultOfSchedule(schedule)).toContain(says);
    expect(() => checkedSchedule(schedule)).toThrow(says);
  });
});
