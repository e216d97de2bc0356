import { Registry } from 'prom-client';
import { PERMISSIONS, RIGHTS } from '../../src/access/role.ts';
import { SETTINGS, SHARD } from '../../src/config/environment.ts';
import type { Setting } from '../../src/config/setting.ts';
import { Database } from '../../src/db/database.ts';
import { Shards } from '../../src/db/shards.ts';
import { TenantContext } from '../../src/db/tenant-context.ts';
import { openApi } from '../../src/http/open-api.ts';
import { routesOf } from '../../src/http/routes.ts';
import { systemClock } from '../../src/kernel/clock.ts';
import { ERRORS } from '../../src/kernel/errors.ts';
import { EVENTS } from '../../src/observe/catalogue.ts';
import { makeMetrics } from '../../src/observe/metric-table.ts';
import { loadCatalogue } from '../../workers/index.ts';

const catalogue = await loadCatalogue();

/** The command that writes these pages anew; named wherever a page and the code differ. */
export const WRITE_COMMAND = 'npm run docs';

interface Page {
  /** Where it is, from the root of the checkout. */
  readonly path: string;
  readonly render: () => string;
}

const code = (text: string) => `\`${text}\``;
const cell = (text: string) => text.replaceAll('|', '\\|');

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.map(cell).join(' | ')} |`;
  return [line(head), `|${head.map(() => '---|').join('')}`, ...rows.map(line)].join('\n');
}

function page(title: string, source: string, ...blocks: readonly string[]): string {
  const origin = `<!-- Generated from ${source} by ${code(WRITE_COMMAND)}; edit that file, not this one. -->`;
  return `${[`# ${title}`, origin, ...blocks].join('\n\n')}\n`;
}

function settingRow(name: string, setting: Setting): string[] {
  const names = [name, ...(setting.secret ? [`${name}_FILE`] : [])].map(code);
  const fallback = setting.fallback === undefined ? '' : ` Falls back to ${code(setting.fallback)}.`;
  const allowed = setting.expects.replace(/^a whole number.* from (\d+) to (\d+)$/, '$1 to $2');
  const plain = setting.default === '–' || setting.default.includes(' ');
  return [
    names.join(' or '),
    plain ? setting.default : code(setting.default),
    setting.unit || '–',
    allowed,
    `${setting.means}${fallback}`,
  ];
}

/** Every setting of the environment. */
function configurationPage(): string {
  const rows = Object.entries<Setting>(SETTINGS).map(([name, setting]) => settingRow(name, setting));
  return page(
    'Configuration',
    'src/config/environment.ts',
    'Every process reads its settings from the environment once, at start. A wrong value, a misspelt name or a file that cannot be read stops the start, with every mistake in one message (exit 2); no message shows a secret. A variable that is set to nothing counts as not set. Numbers are written in digits alone.',
    table(
      ['setting', 'default', 'unit', 'allowed', 'what it is for'],
      [...rows, settingRow('RAE_SHARD_<NAME>_URL', SHARD)],
    ),
    '`<NAME>_FILE` names a file that holds the value, for a mounted secret; one line break at its end is not part of it. Setting both is a mistake. In URLs, `# / ? @ %` within a password are written `%23 %2F %3F %40 %25`.',
    'An unknown `RAE_*` name that is close to a known one is a mistake; any other is a warning. What Kubernetes sets for services of the same namespace (`RAE_API_PORT=tcp://…`, `RAE_API_SERVICE_HOST` for a service called rae-api) is recognised and ignored with one warning per service; `enableServiceLinks: false` in the pod keeps it out.',
  );
}

/** Every error the fleet raises on purpose. */
function errorsPage(): string {
  const rows = Object.entries(ERRORS).map(([name, { exit, retryable, means, action }]) => [
    code(name),
    String(exit),
    retryable ? 'yes' : 'no',
    means,
    action,
  ]);
  return page(
    'Errors',
    'src/kernel/errors.ts',
    'Codes are stable. `exit` is what a `rae` command ends with; `again` says whether trying again later may succeed with nothing changed.',
    table(['code', 'exit', 'again', 'what it means', 'what to do'], rows),
  );
}

/** Every event, as it appears in the log. */
function eventsPage(): string {
  const snake = (name: string) => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
  const rows = Object.entries(EVENTS).map(([name, entry]) => {
    const level =
      'except' in entry
        ? `${entry.level}; ${entry.except.level} when ${entry.except.field} is ${entry.except.is}`
        : entry.level;
    const fields = Object.entries<string>(entry.fields).map(([field, kind]) =>
      code(`${snake(field)}${kind.endsWith('?') ? '?' : ''}`),
    );
    return [code(name), level, entry.says, fields.join(' ')];
  });
  return page(
    'Events',
    'src/observe/catalogue.ts',
    'Every line of the log is one event: a JSON object with `ts`, `level`, `process`, `event` and the fields below (`?`: may be missing). Names are stable. Times are in the unit of the name; credentials in texts are hidden, and texts end after 2,000 characters. Within the code the fields are in camel case.',
    table(['event', 'level', 'what happened', 'fields'], rows),
  );
}

/** Every metric of the fleet's own. */
function metricsPage(): string {
  const registry = new Registry();
  makeMetrics(registry);
  const rows = registry.getMetricsAsArray().map((metric) => {
    const labels: readonly string[] = Reflect.get(metric, 'labelNames');
    return [code(metric.name), String(metric.type), labels.map(code).join(' ') || '–', metric.help];
  });
  return page(
    'Metrics',
    'src/observe/metric-table.ts',
    'Every process serves `/metrics` on its own port (`RAE_METRICS_PORT`). Only costs and requests name tenants, the busiest of them. Counters and histograms begin at 0 for every worker, plan and outcome; a label value that is not known is counted as `other`.',
    table(['metric', 'type', 'labels', 'what it is'], rows),
    'Beside them are the usual `process_*` and `nodejs_*` metrics of the process itself.',
  );
}

/** Who may do what through the API. */
function accessPage(): string {
  const roles = Object.entries<readonly string[]>(RIGHTS);
  const rows = Object.entries(PERMISSIONS).map(([name, means]) => [
    code(name),
    means,
    ...roles.map(([, rights]) => (rights.includes(name) ? 'yes' : '–')),
  ]);
  return page(
    'Access',
    'src/access/role.ts',
    'An API key belongs to one tenant and has one role. `rae tenant create` makes the first, of a `tenant_admin`; `rae key create` more. A key may be narrowed to some permissions (scopes) and to one project, and may expire. Nobody hands out a key that may more than their own, and the last key of an admin cannot be revoked, as the last member who is `tenant_admin` can neither be removed nor get another role (a trigger on `members`). Members are a tenant’s people: a token whose proven address is a member’s has that member’s role; `rae member` and `/v1/members` add and remove them, and nobody gives or takes a role that may more than they themselves. To rotate a key, make another, bring it out, and revoke the old one: from the next request on it is refused everywhere.',
    table(['permission', 'to', ...roles.map(([role]) => code(role))], rows),
    'Operators see counts and states of every tenant and the contents of none: by the `rae` commands, and by those routes of the API that are about more than one tenant. A key is `rae_<tenant>_<key id>_<secret>`; only a SHA-256 of it is kept. What is done with keys, policies, plans, placements and shares is entered in the tenant\u2019s audit log in the same transaction: `rae audit list`, `rae audit verify`. `rae audit head` gives the end of a log as one signed line: kept elsewhere, `rae audit verify --head LINE` tells by it of a log that was written anew together with its end.',
  );
}

/** The description of the API: its routes as they are declared; nothing is asked of any database. */
function openApiPage(): string {
  const url = 'postgres://nobody@localhost/none';
  const database = new Database({ url, applicationName: 'docs', poolSize: 1, statementTimeoutMs: 0, prepared: false });
  const tenants = new TenantContext(new Shards(new Map([['main', database]])));
  const routes = routesOf({
    tenants,
    catalogue,
    operator: { database, clock: systemClock, partitions: 1, shards: 1, depth: undefined },
    calls: async () => 0,
  });
  return `${JSON.stringify(openApi(routes), null, 2)}\n`;
}

/** The pages that are generated. */
export const PAGES: readonly Page[] = Object.freeze([
  { path: 'docs/access.md', render: accessPage },
  { path: 'docs/configuration.md', render: configurationPage },
  { path: 'docs/errors.md', render: errorsPage },
  { path: 'docs/events.md', render: eventsPage },
  { path: 'docs/metrics.md', render: metricsPage },
  { path: 'docs/openapi.json', render: openApiPage },
]);
