import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { childEnv } from '../../src/embedded/child-env.ts';
import { run } from '../../src/embedded/command.ts';
import { freePort } from '../../src/embedded/free-port.ts';
import { TestDatabase } from './database.ts';
import { createLogins } from './login-role.ts';
import { connected } from './server.ts';

const CHECKOUT = fileURLToPath(new URL('../..', import.meta.url));
const PASSWORD = 'local-postgres';
const MINUTES = 60_000;

/** A container of the fleet. */
export interface Container {
  readonly id: string;
  readonly service: string;
  /** Its address within the network, as Postgres sees it. */
  readonly address: string;
  readonly state: string;
  /** Of its health check; empty where it has none. */
  readonly health: string;
  readonly exitCode: number;
}

/** The environment of docker: what says where the engine is and how it is spoken to stays. */
function dockerEnv(extra: Readonly<Record<string, string>> = {}): Record<string, string> {
  const isOwn = (name: string) => name === 'HOME' || /^(DOCKER|BUILDKIT|XDG)_/.test(name);
  const own = Object.entries(process.env).flatMap(([name, value = '']) => (isOwn(name) ? [[name, value]] : []));
  return childEnv(process.env, { ...Object.fromEntries(own), ...extra });
}

/** What the engine says of a container. */
interface State {
  readonly Status: string;
  readonly Health?: { readonly Status: string };
  readonly ExitCode: number;
}

/** Why compose cannot be tried here; undefined where it can. */
export async function composeIsMissing(): Promise<string | undefined> {
  if (process.env.RAE_TEST_SERVICES !== 'containers') return 'RAE_TEST_SERVICES is not containers';
  for (const args of [['version'], ['compose', 'version']]) {
    const { ok, output } = await run({ file: 'docker', args, env: dockerEnv() });
    if (!ok) return `docker ${args.join(' ')}: ${output.split('\n')[0]}`;
  }
  return undefined;
}

/** The fleet of docker-compose.yml, built from this checkout, under a name of its own and with its Postgres to be looked at. */
export class Compose {
  readonly #project = `rae-test-${randomBytes(3).toString('hex')}`;
  readonly #folder = mkdtempSync(join(tmpdir(), 'rae-compose-'));
  readonly #env: Readonly<Record<string, string>>;
  #database: TestDatabase | undefined;

  /** @param env what `.env` would say */
  constructor(env: Readonly<Record<string, string>>) {
    this.#env = { RAE_IMAGE: 'rae-fleet:test', ...env };
  }

  /** Calls compose. @returns what it printed. @throws with that when it fails. */
  async call(...args: readonly string[]): Promise<string> {
    const files = ['docker-compose.yml', join(this.#folder, 'override.yml')].flatMap((file) => ['-f', file]);
    const all = ['compose', '-p', this.#project, '--project-directory', CHECKOUT, ...files, ...args];
    return await this.#docker(all);
  }

  async #docker(args: readonly string[]): Promise<string> {
    const env = dockerEnv(this.#env);
    const { ok, output } = await run({ file: 'docker', args, env, cwd: CHECKOUT, withinMs: 10 * MINUTES });
    if (!ok) throw new Error(`docker ${args.join(' ')}\n${output}`);
    return output;
  }

  /** Brings up what is not there, and waits until all of it is healthy. */
  async up(...options: readonly string[]): Promise<void> {
    await this.call('up', '--detach', '--wait', ...options);
  }

  /** Builds and starts the fleet, and opens its database. */
  async start(): Promise<TestDatabase> {
    const port = await freePort();
    const own = (service: string, ports: string) => `  ${service}:\n    ports: !override ["${ports}"]\n`;
    const override = `services:\n${own('postgres', `127.0.0.1:${port}:5432`)}${own('api', `127.0.0.1:${await freePort()}:8080`)}`;
    writeFileSync(join(this.#folder, 'override.yml'), override);
    await this.up('--build');
    const adminUrl = `postgres://postgres:${PASSWORD}@127.0.0.1:${port}/postgres`;
    const [prefix, password] = ['rae_test', randomBytes(12).toString('hex')];
    await connected(adminUrl, (client) => createLogins(client, prefix, password));
    this.#database = new TestDatabase({ adminUrl, redisUrl: '', template: 'template0', prefix, password }, 'rae');
    return this.#database;
  }

  /** The containers of these services, or all, those that have ended included. */
  async containers(...services: readonly string[]): Promise<readonly Container[]> {
    const ids = (await this.call('ps', '--all', '--quiet', ...services)).match(/^[0-9a-f]{12,64}$/gm) ?? [];
    if (ids.length === 0) return [];
    const network = '{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}';
    const format = `{{.Id}} {{index .Config.Labels "com.docker.compose.service"}} ${network} {{json .State}}`;
    const lines = (await this.#docker(['inspect', '--format', format, ...ids])).matchAll(
      /^(\w+) (\S+) (\S*) (\{.*\})$/gm,
    );
    return [...lines].map(([, id = '', service = '', address = '', text = '']) => {
      const { Status: state, Health: health, ExitCode: exitCode } = JSON.parse(text) as State;
      return { id, service, address, state, health: health?.Status ?? '', exitCode };
    });
  }

  /** Kills a container as `kill -9` does. */
  async kill(container: Pick<Container, 'id'>): Promise<void> {
    await this.#docker(['kill', '--signal', 'KILL', container.id]);
  }

  /** Kills the only container of a service and throws its data away. */
  async lose(service: string): Promise<void> {
    for (const container of await this.containers(service)) await this.kill(container);
    await this.call('rm', '--force', service);
    await this.#docker(['volume', 'rm', `${this.#project}_${service}`]);
  }

  /** Ends it and removes its containers, networks and data. */
  async remove(): Promise<void> {
    try {
      const fleet = (await this.containers()).filter(({ service }) => service !== 'postgres');
      if (fleet.length > 0) await this.#docker(['rm', '--force', ...fleet.map(({ id }) => id)]);
      await this.#database?.close();
    } finally {
      await this.call('down', '--volumes', '--timeout', '5');
      rmSync(this.#folder, { recursive: true, force: true });
    }
  }
}
