import type { Argument, Option } from 'commander';
import type { Call } from './call.ts';

/** What a command gives back: the same in two forms. */
export interface Answer {
  /** The one document of `--json`. Keys are snake_case, times RFC 3339 in UTC. */
  readonly json: unknown;
  /** For people; made only when it is wanted. */
  readonly text: () => string;
  /** Default 0; 1 where the answer itself is bad news, as of a doctor. */
  readonly exit?: number;
}

/** A command of `rae`, or a group of them. Each stands in a file of its own and is listed in commands.ts or its group. */
export interface Command {
  readonly name: string;
  /** One sentence. */
  readonly does: string;
  /** Under which heading it stands in the help of `rae`. */
  readonly heading?: string;
  readonly arguments?: readonly Argument[];
  /** Options that must be given. */
  readonly needs?: readonly Option[];
  readonly options?: readonly Option[];
  /** Whole command lines, shown by `--help`. */
  readonly examples?: readonly string[];
  readonly commands?: readonly Command[];
  /** It works over the API as well, where RAE_API_URL and RAE_API_KEY name one; then `--tenant` may be left out. */
  readonly overApi?: true;
  /** What these options make it destroy, as a sentence: somebody at a terminal is asked first, unless `--yes` is given. */
  readonly destroys?: (options: Readonly<Record<string, unknown>>) => string | undefined;
  /** Undefined for a mere group. Gives nothing back when it has written its data itself. */
  readonly run?: (call: Call) => Promise<Answer | undefined>;
}
