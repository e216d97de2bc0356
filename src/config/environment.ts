import { z } from 'zod';
import {
  allowList,
  choice,
  consumption,
  credential,
  derivedWhole,
  jsonObject,
  keyList,
  optionalChoice,
  path,
  plainText,
  type Setting,
  serviceUrl,
  whole,
} from './setting.ts';

/** Every setting the fleet reads from the environment. docs/configuration.md is generated from this table. */
export const SETTINGS = Object.freeze({
  RAE_DATABASE_URL: serviceUrl('postgres', 'The control database, which is also the shard `main`.', {
    fallback: 'DATABASE_URL',
  }),
  RAE_DATABASE_DIRECT_URL: serviceUrl(
    'postgres',
    'The same database without a pooler in between, for LISTEN and migrations; needed where RAE_DATABASE_URL goes through PgBouncer.',
    { default: 'RAE_DATABASE_URL' },
  ),
  RAE_OPERATOR_DATABASE_URL: serviceUrl(
    'postgres',
    'The control database by a login that is a member of rae_operator, for `rae api`: without it, the routes of operators are not served.',
  ),
  RAE_REDIS_URL: serviceUrl('redis', 'The Redis that holds the queues.', { fallback: 'REDIS_URL' }),
  RAE_ENVELOPE_KEYS: keyList(
    'a key that the fleet makes and keeps in its database',
    'Keys that sign tickets, at least 32 bytes each (`openssl rand -base64 32`): the newest signs, all verify. The same for schedulers and workers.',
  ),
  RAE_MASTER_KEYS: keyList(
    '–; `rae up` makes one in its data directory',
    "Keys that wrap the tenants' data keys, at least 32 bytes each (`openssl rand -base64 32`): the newest wraps, all unwrap. For whoever seals or opens secrets: `rae secret`, the API, workers that send.",
  ),
  RAE_SMTP_URL: serviceUrl(
    'smtp',
    'The mail server that e-mail goes out by (`smtps://` for TLS from the start; `smtp://` changes to it where the server offers it), and `?from=…`, the address it comes from.',
  ),
  RAE_WEBHOOK_ALLOW: allowList(
    '10.0.0.0/8,hooks.intra,*.corp.example',
    'What webhooks may reach beyond public https addresses: host names, `*.` and a name for all below it, addresses and ranges. A name that is listed may have any address.',
  ),
  RAE_API_URL: serviceUrl('http', 'The API that `rae` commands ask in place of the database, with RAE_API_KEY.'),
  RAE_API_KEY: credential('The API key or token that `rae` commands ask the API with.'),
  RAE_DATA: path('/var/lib/rae', 'Where `rae up` keeps its own Postgres and Redis when `--data` is not given.'),
  RAE_PARTITIONS: whole(
    1,
    256,
    2,
    'partitions',
    'Shared queues per worker. Seeds the registry of a new fleet; from then on the registry holds.',
  ),
  RAE_CONCURRENCY: whole(1, 1_000, 16, 'runs', 'Run slots of a worker process: how many runs it works on at once.'),
  RAE_DEDICATED_QUEUES: whole(
    1,
    10_000,
    100,
    'queues',
    'How many dedicated queues a worker process is attached to at once; each costs a Redis connection. When more of them have work, they take turns.',
  ),
  RAE_CONSUME: consumption(
    'Which queues of its workers a worker process takes: shared partitions (`0-3,7`) or all of them and that of quarantine (`shared`), the dedicated queues of all tenants (`dedicated`) or of some (their ids), that of `quarantine` alone. What no process takes waits: `rae doctor` says so.',
  ),
  RAE_PG_POOL: whole(
    1,
    100,
    8,
    'connections',
    'Postgres connections of a process per shard; about four per database core over all processes, more gains nothing.',
  ),
  RAE_WINDOW: whole(
    1,
    100_000,
    2_000,
    'runs',
    'How much admitted work of one queue may wait in Redis at once, at most; usually it is far less, as much as keeps the processes busy.',
  ),
  RAE_RESERVE_PERCENT: whole(
    0,
    90,
    20,
    'percent of the run slots',
    "How much idle capacity is lent, beyond a tenant's cap, only to runs expected to take 100 ms or less: nothing takes a long run's slot back.",
  ),
  RAE_WAIT_TARGET_SECONDS: whole(
    1,
    86_400,
    60,
    'seconds',
    'How long work may wait for a place: rae_replicas_wanted says how many processes begin all that may run within that time.',
  ),
  RAE_LEASE_SECONDS: whole(
    2,
    3_600,
    30,
    'seconds',
    'How long a run may show no sign of life before it is rescued and another process takes it.',
  ),
  RAE_STATEMENT_TIMEOUT_SECONDS: derivedWhole(
    [1, 3_599],
    { default: 'two thirds of RAE_LEASE_SECONDS', example: 20 },
    'seconds',
    'After how long Postgres cancels one statement. Must be shorter than the lease.',
  ),
  RAE_DRAIN_SECONDS: whole(
    1,
    3_600,
    20,
    'seconds',
    'How long a stopping worker may go on with what it has begun before it is aborted; keep it below the grace period of the orchestrator.',
  ),
  RAE_FANOUT_CHUNK: whole(
    1,
    1_000_000,
    50_000,
    'tenants',
    'Tenants whose runs the scheduler makes in one transaction when a slot falls due.',
  ),
  RAE_MAX_FAILURES: whole(1, 100, 8, 'failures', 'How often a run may throw before it is dead.'),
  RAE_MAX_LAPSES: whole(
    1,
    1_000,
    20,
    'lapses',
    'How often the lease of a run may lapse (its process died or hung) before it is dead.',
  ),
  RAE_RETRY_BASE_MS: whole(
    1,
    3_600_000,
    1_000,
    'milliseconds',
    'Wait before the first retry; doubles with every failure, with jitter.',
  ),
  RAE_RETRY_CAP_MS: whole(1, 86_400_000, 600_000, 'milliseconds', 'The longest wait before a retry.'),
  RAE_HOUSEKEEPING_SECONDS: whole(
    1,
    86_400,
    60,
    'seconds',
    'How often a scheduler removes finished runs and cycles whose time to be kept is over.',
  ),
  RAE_PREPARED_STATEMENTS: choice(
    ['on', 'off'],
    'on',
    'Named prepared statements; `off` behind a PgBouncer older than 1.21 in transaction mode.',
  ),
  RAE_REQUIRE_PATCHED_POSTGRES: choice(
    ['true', 'false'],
    'false',
    'Refuse to start on a Postgres release with a known row-security hole, instead of warning.',
  ),
  RAE_SETTINGS: jsonObject(
    '{"decay":{"step_rows":2000}}',
    'Operator settings by worker name; each is checked by the schema of its worker.',
  ),
  RAE_HTTP_PORT: whole(0, 65_535, 8_080, '', 'Where `rae api` serves the API; 0 takes any free port and logs which.'),
  RAE_OIDC_ISSUER: plainText(
    /^https?:\/\/[^\s?#]+$/,
    'an http or https URL',
    'https://acme.eu.auth0.com/',
    'Whose tokens (JWT) the API believes, as they name it; its keys are found by OIDC discovery.',
  ),
  RAE_JWT_AUDIENCE: plainText(
    /^\S{1,255}$/,
    'a name without spaces',
    'https://api.acme.example',
    'Whom tokens must be for (`aud`); without it the API believes no token.',
  ),
  RAE_JWT_SECRETS: keyList(
    '–',
    'Shared secrets that tokens of a server of your own are signed with (HS256), by key id (`kid`), at least 32 bytes each.',
  ),
  RAE_JWT_ISSUER: plainText(
    /^\S{1,255}$/,
    'a name without spaces',
    'rae',
    'What tokens that are signed with a shared secret say of their issuer (`iss`).',
    'rae',
  ),
  RAE_JWT_TENANT_CLAIM: plainText(
    /^\S{1,255}$/,
    'a name without spaces',
    'https://rae/tenant',
    "Where tokens have their tenant: its id, or the external id that it was made with (Google's `hd`).",
    'tenant_id',
  ),
  RAE_JWT_ROLE_CLAIM: plainText(
    /^\S{1,255}$/,
    'a name without spaces',
    'https://rae/role',
    'Where tokens have their role; without one, the role of the member whose proven address the token names.',
    'role',
  ),
  RAE_METRICS_PORT: whole(
    0,
    65_535,
    0,
    '',
    'Where a process serves /healthz, /readyz and /metrics; 0 takes any free port and logs which.',
  ),
  RAE_LOG_LEVEL: choice(
    ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'],
    'info',
    'The least important level that is logged.',
  ),
  RAE_LOG_FORMAT: choice(
    ['json', 'pretty', 'auto'],
    'auto',
    'How log lines look on standard error; `auto` is pretty on a terminal, else JSON.',
  ),
  RAE_TEST_SERVICES: optionalChoice(
    ['containers', 'embedded'],
    'embedded',
    'Where tests take Postgres and Redis from; the tests alone read it.',
  ),
} satisfies Record<string, Setting>);

/** What every `RAE_SHARD_<NAME>_URL` is. */
export const SHARD = serviceUrl(
  'postgres',
  'A further shard, known to the registry by `<NAME>` in lower case (letters, digits and `_`).',
);

export type SettingName = keyof typeof SETTINGS;
type Shape = { readonly [Name in SettingName]: (typeof SETTINGS)[Name]['schema'] };

/** The one schema of the environment: takes the texts of the variables that are set, gives their values. */
export const environment = z.object(
  Object.fromEntries(Object.entries(SETTINGS).map(([name, setting]) => [name, setting.schema])) as unknown as Shape,
);

export type Environment = z.output<typeof environment>;
