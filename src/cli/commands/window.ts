import { OPERATOR } from '../../audit/log.ts';
import { faultOfSchedule } from '../../kernel/cron.ts';
import { RaeError } from '../../kernel/errors.ts';
import { EVERY } from '../../ledger/pause.ts';
import type { TimeWindow } from '../../ledger/time-window.ts';
import { TimeWindowBook } from '../../ledger/time-window-book.ts';
import type { Call } from '../call.ts';
import { clean } from '../cell.ts';
import type { Command } from '../command.ts';
import { knownTenant } from '../known-tenant.ts';
import { argument, option, type Reader, tenantId, text } from '../option.ts';
import { table } from '../table.ts';
import { workerNamed } from '../worker-name.ts';

const TENANT = '3f2a8c54-1f7e-4c0b-9a53-0d7e2b1c9f10';
const WINDOW = '7d1f0c52-88c1-4a55-9a0e-6f6b1d1a2c3e';

const zone: Reader<string> = (given) => {
  const fault = faultOfSchedule({ cron: '0 0 * * *', timeZone: given });
  if (fault === undefined) return given;
  throw new RaeError('RAE_USAGE', `is ${JSON.stringify(clean(given.slice(0, 60)))}; it ${fault}`);
};

interface AddOptions {
  readonly tenant: string;
  readonly open?: string;
  readonly blackout?: string;
  readonly timeZone: string;
  readonly worker?: string;
  readonly reason?: string;
  readonly owner: string;
}

const add: Command = {
  name: 'add',
  does: "Says when a tenant's runs may begin, or may not, by the clock on the wall of a time zone; dispatch follows at once.",
  needs: [
    option('--tenant <id>', 'whose', tenantId),
    option('--time-zone <zone>', 'an IANA zone, such as Europe/Berlin', zone),
  ],
  options: [
    option('--open <hours>', 'a maintenance window: runs begin in one of them only', text),
    option('--blackout <hours>', 'no run begins in it', text),
    option('--worker <name>', 'of this worker alone', text),
    option('--reason <text>', 'why', text),
    option('--owner <who>', 'who decided it', text).default(OPERATOR.actor),
  ],
  examples: [
    `rae window add --tenant ${TENANT} --open "daily 22:00-06:00" --time-zone Europe/Berlin`,
    `rae window add --tenant ${TENANT} --open "Sat,Sun 00:00-24:00" --time-zone America/New_York --worker decay`,
    `rae window add --tenant ${TENANT} --blackout "2026-12-24..2026-12-26 00:00-24:00" --time-zone UTC --reason "year-end close"`,
  ],
  run: async (call) => {
    const { tenant, open, blackout, timeZone, worker, reason, owner } = call.options<AddOptions>();
    const hours = open ?? blackout;
    if (hours === undefined || (open !== undefined && blackout !== undefined))
      throw new RaeError('RAE_USAGE', 'give --open or --blackout, one of them');
    if (worker !== undefined) workerNamed(await call.catalogue, worker);
    await knownTenant(call, tenant);
    const kind = open === undefined ? 'blackout' : 'maintenance';
    const request = {
      tenantId: tenant,
      worker,
      kind,
      hours: hours.trim().replace(/\s+/g, ' '),
      timeZone,
      reason,
    } as const;
    const window = await book(call).add(request, { actor: owner });
    return { json: windowJson(window), text: () => `${window.window_id}: ${described(window)}` };
  },
};

const list: Command = {
  name: 'list',
  does: "Lists tenants' maintenance windows and blackouts.",
  options: [option('--tenant <id>', 'of this tenant', tenantId)],
  examples: ['rae window list', `rae window list --tenant ${TENANT} --json`],
  run: async (call) => {
    const { tenant } = call.options<{ tenant?: string }>();
    const windows = await book(call).list(tenant);
    return {
      json: windows.map(windowJson),
      text: () =>
        windows.length === 0
          ? 'no tenant has windows'
          : table(
              [
                { title: 'WINDOW', value: (one) => one.window_id },
                { title: 'TENANT', value: (one) => one.tenant_id },
                { title: 'WHEN', value: described },
                { title: 'BY', value: (one) => clean(one.owner), shrinks: true },
                {
                  title: 'REASON',
                  value: (one) => (one.reason === null ? undefined : clean(one.reason)),
                  shrinks: true,
                },
              ],
              windows,
              call.out.look,
            ),
    };
  },
};

const remove: Command = {
  name: 'remove',
  does: 'Takes a window away; what it held goes on.',
  arguments: [argument('<window>', 'its id', text)],
  needs: [option('--tenant <id>', 'whose', tenantId)],
  options: [option('--owner <who>', 'who decided it', text).default(OPERATOR.actor)],
  examples: [`rae window remove ${WINDOW} --tenant ${TENANT}`],
  run: async (call) => {
    const [id] = call.args<[string]>();
    const { tenant, owner } = call.options<{ tenant: string; owner: string }>();
    if (!/^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(id))
      throw new RaeError('RAE_USAGE', 'the id of a window is a UUID', { hint: 'see them with: rae window list' });
    const window = await book(call).remove(tenant, id, { actor: owner });
    return { json: { removed: windowJson(window) }, text: () => `no more: ${described(window)}` };
  },
};

/** `rae window`. */
export const windowCommand: Command = {
  name: 'window',
  does: 'Maintenance windows and blackouts of tenants.',
  commands: [add, list, remove],
};

function book(call: Call): TimeWindowBook {
  return new TimeWindowBook(call.connection.as('rae_operator'));
}

function windowJson(window: TimeWindow): Readonly<Record<string, unknown>> {
  return { ...window, worker: window.worker === EVERY ? null : window.worker };
}

function described({ kind, hours, time_zone: timeZone, worker }: TimeWindow): string {
  const of = worker === EVERY ? 'runs' : `runs of ${worker}`;
  return `${of} begin ${kind === 'maintenance' ? 'only' : 'not'} ${hours} ${clean(timeZone)}`;
}
