import { RaeError } from '../../kernel/errors.ts';
import { assignment } from '../assignment.ts';
import { clean } from '../cell.ts';
import type { Command } from '../command.ts';
import { jsonIn } from '../json-file.ts';
import { argument, option, repeated, tenantId, text, whole } from '../option.ts';
import { policiesOf } from '../policies.ts';
import { workerNamed } from '../worker-name.ts';
import { policyJson, policyText } from './policy-get.ts';

interface Options {
  readonly tenant: string;
  readonly set?: readonly (readonly [path: string, value: unknown])[];
  readonly unset?: readonly string[];
  readonly file?: string;
  readonly expectVersion?: number;
}

export const policySet: Command = {
  overApi: true,
  name: 'set',
  does: "Changes fields of a tenant's policy for a worker, or replaces it by a file; checked as a whole before it is stored.",
  arguments: [argument('<worker>', 'whose policy, as in rae worker list', text)],
  needs: [option('--tenant <tenant>', 'its id', tenantId)],
  options: [
    repeated(
      '--set <field=value>',
      'set a field; a dot reaches inside, and what is not JSON is text (repeatable)',
      assignment,
    ),
    repeated('--unset <field>', 'give a field its default again (repeatable)', text),
    option('--file <file>', 'replace the whole policy by this JSON file; - is standard input', text),
    option(
      '--expect-version <n>',
      'refuse when the policy is at another version; 0 = none is set',
      whole(0, 2_147_483_647),
    ),
  ],
  examples: [
    'rae policy set decay --tenant 3f2a8c54-1f7e-4c0b-9a53-0d7e2b1c9f10 --set rate=0.02 --set "cron=0 3 * * *"',
    'rae policy set decay --tenant 3f2a8c54-1f7e-4c0b-9a53-0d7e2b1c9f10 --set layer_rates.working=0.05 --unset floor',
    'rae policy set decay --tenant 3f2a8c54-1f7e-4c0b-9a53-0d7e2b1c9f10 --file policy.json --expect-version 4',
  ],
  run: async (call) => {
    const [worker] = call.args<[string]>();
    const { tenant, set = [], unset = [], file, expectVersion } = call.options<Options>();
    workerNamed(await call.catalogue, worker);
    const fields = set.length + unset.length;
    if (file !== undefined && fields > 0)
      throw new RaeError('RAE_USAGE', '--file replaces the whole policy: it takes no --set or --unset');
    if (file === undefined && fields === 0)
      throw new RaeError('RAE_USAGE', 'nothing to change: give --set, --unset or --file');
    const named = [...set.map(([path]) => path), ...unset];
    const twice = named.find((path, index) => named.indexOf(path) !== index);
    if (twice !== undefined)
      throw new RaeError('RAE_USAGE', `${clean(twice)} is named twice; say once what it is to be`);
    const book = await policiesOf(call);
    const { policy, changed } =
      file === undefined
        ? await book.patch(tenant, worker, { set, unset }, { expectVersion })
        : await book.set(tenant, worker, jsonIn(file), { expectVersion });
    if (!call.json)
      call.out.say(
        changed ? `stored as version ${policy.version}` : `nothing changed; it is at version ${policy.version}`,
      );
    const shown = await policyText(call, worker, policy);
    return { json: { ...policyJson(tenant, worker, policy), changed }, text: () => shown };
  },
};
