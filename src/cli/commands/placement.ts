import { Option } from 'commander';
import { OPERATOR } from '../../audit/log.ts';
import { describeDuration } from '../../kernel/duration.ts';
import { RaeError } from '../../kernel/errors.ts';
import { PlacementBook } from '../../tenant/placement-book.ts';
import {
  type DisplacementRow,
  EVERY_TENANT_RULE,
  type PlacementRuleRow,
  PlacementRules,
} from '../../tenant/placement-rule.ts';
import type { Call } from '../call.ts';
import { clean } from '../cell.ts';
import type { Answer, Command } from '../command.ts';
import { knownTenant } from '../known-tenant.ts';
import { option, orWord, span, tenantId, text, whole } from '../option.ts';
import { table } from '../table.ts';

const TENANT = '3f2a8c54-1f7e-4c0b-9a53-0d7e2b1c9f10';
const NONE = 'none';

const whose = [
  option('--tenant <id>', 'for this tenant; without it, for every tenant that has no rule of its own', tenantId),
  new Option('--never', 'with --tenant: never for this one, whatever is said for all'),
  new Option('--off', 'no such rule any more'),
  option('--owner <who>', 'who decided it', text).default(OPERATOR.actor),
];

interface Whose {
  readonly tenant?: string;
  readonly never?: true;
  readonly off?: true;
  readonly owner: string;
}

const show: Command = {
  name: 'show',
  does: 'Shows the rules by which tenants are placed elsewhere by themselves, and who is now, since when and why.',
  examples: ['rae placement show', 'rae placement show --json'],
  run: async (call) => {
    const { rules, displaced } = await book(call).show();
    return {
      json: {
        rules: rules.map((row) => ({ ...row, tenant_id: row.tenant_id === EVERY_TENANT_RULE ? null : row.tenant_id })),
        displaced,
      },
      text: () => `${rulesText(rules, call)}\n\n${displacedText(displaced, call)}`,
    };
  },
};

const fallback: Command = {
  name: 'fallback',
  does: 'Lets dedicated queues that no process takes fall back to the shared ones, and go back when one comes. Off by default.',
  options: [option('--after <time>', 'when nobody has taken it for so long, such as 30s or 5m', span), ...whose],
  examples: [
    'rae placement fallback --after 30s',
    `rae placement fallback --tenant ${TENANT} --never`,
    'rae placement fallback --off',
  ],
  run: async (call) => {
    const { after, ...rest } = call.options<Whose & { after?: number }>();
    const settings = after === undefined ? undefined : { after_seconds: seconds(after, '--after') };
    return answerOf(call, 'fallback', rest, settings);
  },
};

const quarantine: Command = {
  name: 'quarantine',
  does: 'Moves tenants that are too noisy to the quarantine partition, and back when they are calm. Off by default.',
  options: [
    option(
      '--share <percent>',
      `who holds more of all tenants' worker time, or ${NONE} (default ${NONE})`,
      orWord(NONE, whole(1, 100)),
    ),
    option(
      '--failed <percent>',
      `or of whose runs more are given up or lapse, or ${NONE} (default ${NONE})`,
      orWord(NONE, whole(1, 100)),
    ),
    option('--for <time>', 'counted over so long (default 5m)', span),
    option('--calm <time>', 'back when neither was so for that long (default 15m)', span),
    ...whose,
  ],
  examples: [
    'rae placement quarantine --share 60 --failed 50 --for 5m --calm 15m',
    `rae placement quarantine --tenant ${TENANT} --never`,
    'rae placement quarantine --off',
  ],
  run: async (call) => {
    type Options = Whose & { share?: number | 'none'; failed?: number | 'none'; for?: number; calm?: number };
    const { share, failed, for: noisy, calm, ...rest } = call.options<Options>();
    const percent = (given: number | 'none' | undefined) => (given === undefined || given === NONE ? null : given);
    const isStated = percent(share) !== null || percent(failed) !== null;
    if (!isStated && (noisy !== undefined || calm !== undefined || share !== undefined || failed !== undefined))
      throw new RaeError('RAE_USAGE', 'give --share, --failed or both: else nobody is noisy; no rule is said by --off');
    const settings = isStated
      ? {
          share_percent: percent(share),
          failed_percent: percent(failed),
          noisy_seconds: noisy === undefined ? 300 : seconds(noisy, '--for'),
          calm_seconds: calm === undefined ? 900 : seconds(calm, '--calm'),
        }
      : undefined;
    return answerOf(call, 'quarantine', rest, settings);
  },
};

/** `rae placement`. */
export const placementCommand: Command = {
  name: 'placement',
  does: 'Rules by which tenants are placed elsewhere by themselves: fallback of dedicated queues, quarantine.',
  commands: [show, fallback, quarantine],
};

function book(call: Call): PlacementBook {
  return new PlacementBook(call.connection.as('rae_operator'));
}

function seconds(ms: number, name: string): number {
  if (ms >= 1_000 && ms <= 86_400_000) return Math.round(ms / 1_000);
  throw new RaeError('RAE_USAGE', `${name} is ${describeDuration(ms)}; expected 1s to 24h`);
}

async function answerOf(
  call: Call,
  kind: 'fallback' | 'quarantine',
  { tenant, never, off, owner }: Whose,
  settings: Parameters<PlacementBook['set']>[2],
): Promise<Answer> {
  const said = [settings !== undefined, never === true, off === true].filter(Boolean).length;
  if (said !== 1)
    throw new RaeError(
      'RAE_USAGE',
      `say one thing: ${kind === 'fallback' ? '--after' : '--share or --failed'}, --never or --off`,
    );
  if (never === true && tenant === undefined)
    throw new RaeError('RAE_USAGE', '--never is for one tenant: give --tenant; for all it is --off');
  await knownTenant(call, tenant);
  const given = never === true ? null : settings;
  await book(call).set(tenant, kind, given, { actor: owner });
  const { rules } = await book(call).show();
  return {
    json: { tenant_id: tenant ?? null, kind, settings: given ?? null, removed: off === true },
    text: () => rulesText(rules, call),
  };
}

function rulesText(rules: readonly PlacementRuleRow[], call: Call): string {
  if (rules.length === 0) return 'no tenant is placed elsewhere by itself';
  return table(
    [
      { title: 'RULE', value: (rule) => rule.kind },
      { title: 'FOR', value: (rule) => (rule.tenant_id === EVERY_TENANT_RULE ? 'every tenant' : rule.tenant_id) },
      { title: 'WHEN', value: described },
      { title: 'BY', value: (rule) => clean(rule.owner), shrinks: true },
    ],
    rules,
    call.out.look,
  );
}

function displacedText(displaced: readonly DisplacementRow[], call: Call): string {
  if (displaced.length === 0) return 'no tenant is placed elsewhere by a rule now';
  return table(
    [
      { title: 'TENANT', value: (one) => one.tenant_id },
      { title: 'BY', value: (one) => one.kind },
      { title: 'SINCE', value: (one) => one.since.toISOString() },
      { title: 'GOES BACK TO', value: (one) => one.home ?? 'what its plan says' },
      { title: 'WHY', value: (one) => clean(one.why), shrinks: true },
    ],
    displaced,
    call.out.look,
  );
}

/** When the rule moves somebody. */
function described(row: PlacementRuleRow): string {
  const rules = new PlacementRules([row]);
  const back = rules.fallback(row.tenant_id);
  if (back !== undefined) return `its queue is not taken for ${describeDuration(1_000 * back.after_seconds)}`;
  const noise = rules.quarantine(row.tenant_id);
  if (noise === undefined) return 'never';
  const { share_percent: share, failed_percent: failed, noisy_seconds: noisy, calm_seconds: calm } = noise;
  const either = [
    share === null ? '' : `more than ${share} % of worker time`,
    failed === null ? '' : `more than ${failed} % failed`,
  ];
  const when = either.filter((part) => part !== '').join(' or ');
  return `${when} in ${describeDuration(1_000 * noisy)}; back after ${describeDuration(1_000 * calm)} without`;
}
