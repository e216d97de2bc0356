import { RaeError } from '../kernel/errors.ts';

/** The ways that were tried for a service and what stood against each, for the message when none is left. */
export class Attempts {
  readonly #lines: string[] = [];
  readonly #service: string;
  readonly #ways: readonly string[];

  /** @param ways what a person can do about it: complete commands. */
  constructor(service: string, ways: readonly string[]) {
    this.#service = service;
    this.#ways = ways;
  }

  failed(way: string, because: string): void {
    this.#lines.push(`${way}: ${because}`);
  }

  error(): RaeError {
    const tried = this.#lines.map((line) => `\n  - ${line.replaceAll('\n', '\n    ')}`).join('');
    return new RaeError(
      'RAE_SERVICE_UNAVAILABLE',
      `no ${this.#service} was given, and none can be started here:${tried}`,
      {
        hint: `any one of these helps:\n  ${this.#ways.join('\n  ')}`,
      },
    );
  }
}

/** For Postgres. */
export const POSTGRES_WAYS: readonly string[] = Object.freeze([
  'npm ci --include=optional                          # brings Postgres for Linux (glibc), macOS',
  'sudo apt-get install -y postgresql                 # Debian, Ubuntu',
  'sudo dnf install -y postgresql-server              # Fedora, RHEL',
  'brew install postgresql@18                         # macOS',
  'docker run -d -p 5432:5432 -e POSTGRES_PASSWORD=choose-one postgres:18   # then:',
  'export RAE_DATABASE_URL=postgres://postgres:choose-one@127.0.0.1:5432/postgres',
]);

/** For Redis. */
export const REDIS_WAYS: readonly string[] = Object.freeze([
  'sudo apt-get install -y redis-server               # Debian, Ubuntu',
  'sudo dnf install -y valkey                         # Fedora, RHEL',
  'brew install valkey                                # macOS',
  'docker run -d -p 6379:6379 valkey/valkey:8 valkey-server --maxmemory-policy noeviction   # then:',
  'export RAE_REDIS_URL=redis://127.0.0.1:6379',
]);
