import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { childEnv } from './child-env.ts';
import { type Ran, run, tail } from './command.ts';
import { isRoot } from './identity.ts';
import type { Env } from './service.ts';

/** What of apt's output says why it failed; all of it where nothing is marked so. */
function complaints(output: string): string {
  const marked = [...new Set(output.split('\n').filter((line) => /^(E: |W: Failed to fetch)/.test(line)))];
  return marked.length > 0 ? marked.slice(0, 4).join('\n') : tail(output, 3);
}

/** Downloads packages into a folder, without root rights and without touching what the machine has installed. */
export class Apt {
  readonly #work: string;
  readonly #env: Env;
  readonly #apt: string;
  #ownLists: readonly string[] | undefined;

  /**
   * @param work an empty folder of our own, where everything goes.
   * @param apt the `apt-get` to use.
   */
  constructor(work: string, env: Env, apt: string) {
    this.#work = work;
    this.#env = env;
    this.#apt = apt;
  }

  async #call(args: readonly string[], lists: readonly string[], cwd: string): Promise<Ran> {
    const cache = join(this.#work, 'cache');
    mkdirSync(join(cache, 'archives', 'partial'), { recursive: true });
    const options = [
      `Dir::Cache=${cache}`,
      'Debug::NoLocking=true',
      'Acquire::Languages=none',
      'Acquire::Retries=1',
      'Acquire::http::Timeout=20',
      'Acquire::https::Timeout=20',
      // Root's apt downloads as a user of its own, who cannot write into a folder below a 0700 home.
      ...(isRoot() ? ['APT::Sandbox::User=root'] : []),
      ...lists,
    ];
    const all = [...options.flatMap((option) => ['-o', option]), ...args];
    return await run({ file: this.#apt, args: all, env: childEnv(this.#env), cwd, withinMs: 180_000 });
  }

  /** Package lists of our own: for a machine that has none, as slim images do, or outdated ones. */
  async #fetchLists(): Promise<Ran> {
    const lists = join(this.#work, 'lists');
    mkdirSync(join(lists, 'partial'), { recursive: true });
    this.#ownLists = [`Dir::State::Lists=${lists}`];
    return await this.#call(['update'], this.#ownLists, this.#work);
  }

  /**
   * Downloads these packages into `folder`: all or none.
   * @returns undefined when they are there, else why not.
   */
  async download(names: readonly string[], folder: string): Promise<string | undefined> {
    mkdirSync(folder, { recursive: true });
    const args = ['download', ...names];
    const first = await this.#call(args, this.#ownLists ?? [], folder);
    if (first.ok) return undefined;
    if (this.#ownLists !== undefined) return complaints(first.output);
    // One unreachable repository among many fails an update and harms nothing: the download tells.
    const updated = await this.#fetchLists();
    const second = await this.#call(args, this.#ownLists ?? [], folder);
    return second.ok ? undefined : complaints(`${updated.output}\n${second.output}`);
  }
}
