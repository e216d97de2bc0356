import { Command as Commander, type Option } from 'commander';
import { loadConfig } from '../config/config.ts';
import { RaeError } from '../kernel/errors.ts';
import type { Typed } from './call.ts';
import type { Command } from './command.ts';
import { folder, option } from './option.ts';
import type { Output } from './output.ts';
import { misuseOf } from './usage.ts';

/** Called with the command that was meant and what was typed for it. */
export type Runner = (command: Command & Required<Pick<Command, 'run'>>, typed: Typed) => Promise<void>;

/** The whole command line: global options and `commands`, whose calls go to `run`. Throws instead of ending the process. */
export function programOf(commands: readonly Command[], version: string, out: Output, run: Runner): Commander {
  const program = prepared(new Commander('rae'), 'rae', out)
    .description('The upkeep of RAE for many tenants: due work done on time, exactly once, in isolation.')
    .version(version, '--version', 'print the version')
    .addOption(
      option('--data <dir>', 'find the fleet that rae up started in this folder (default: the last one used)', folder),
    )
    .option('--json', 'print one JSON document on standard output')
    .commandsGroup('More:')
    .helpCommand('help [command...]', 'show what a command does')
    .addHelpText('after', `${examples(FIRST)}\n\n${ABOUT}`);
  for (const command of commands)
    program.addCommand(commanderOf(command, 'rae', out, run).helpGroup(command.heading ?? ''));
  return program;
}

/** What somebody types who has never seen it. */
const FIRST = [
  'rae up                        a fleet to look at, with demo tenants',
  'rae tenant list               from another terminal: whom it works for',
  'rae tenant create --name "Acme Corp" --admin-email ada@acme.example',
  'rae run list --state owed     what is still to be done',
  'rae run why ID                why a run waits, and until when',
  'rae help tenant create        the same as rae tenant create --help',
];

const ABOUT = `Which fleet is meant: RAE_DATABASE_URL (with RAE_REDIS_URL), else the one that
rae up runs here or in --data. With RAE_API_URL and RAE_API_KEY commands ask that
API instead, with the rights of the key.
Ends with 0 done, 1 failed, 2 wrong usage, 3 not found, 4 refused.`;

function commanderOf(command: Command, parent: string, out: Output, run: Runner): Commander {
  const path = `${parent} ${command.name}`;
  const made = prepared(new Commander(command.name), path, out).helpCommand(false).description(command.does);
  for (const argument of command.arguments ?? []) made.addArgument(argument);
  const { needs = [], options = [] } = command;
  for (const option of [...needs, ...options]) made.addOption(option);
  if (command.destroys !== undefined) made.option('--yes', 'do not ask before it destroys something');
  if (command.examples !== undefined) made.addHelpText('after', examples(command.examples));
  for (const inner of command.commands ?? []) made.addCommand(commanderOf(inner, path, out, run));
  const { run: work } = command;
  if (work !== undefined) {
    made.action(async () => {
      const viaApi = command.overApi === true && namesApi();
      refuseMissing(made, viaApi ? needs.filter((one) => one.attributeName() !== 'tenant') : needs, path);
      await run({ ...command, run: work }, { args: made.processedArgs, options: made.optsWithGlobals() });
    });
  }
  return made;
}

/** Says whose tenant it is by itself: the key does. */
function namesApi(): boolean {
  const { apiUrl, apiKey } = loadConfig().config;
  return apiUrl !== undefined && Boolean(apiKey?.match(/^rae_[0-9a-f]{32}_/));
}

/** Not left to commander, which names a missing option before a misspelt one. */
function refuseMissing(made: Commander, needs: readonly Option[], path: string): void {
  const missing = needs.find((option) => made.getOptionValue(option.attributeName()) === undefined);
  if (missing === undefined) return;
  throw new RaeError('RAE_USAGE', `${missing.flags} is missing: ${missing.description}`, {
    hint: `see: ${path} --help`,
  });
}

function prepared(command: Commander, path: string, out: Output): Commander {
  return command
    .exitOverride((error) => {
      throw misuseOf(error, path);
    })
    .configureHelp({ showGlobalOptions: true })
    .helpOption('--help', 'show this help')
    .configureOutput({
      writeOut: (text) => out.data(text),
      writeErr: (text) => out.say(text.trimEnd()),
      // Said once, in the words of every other error.
      outputError: () => undefined,
    });
}

function examples(lines: readonly string[]): string {
  return `\nExamples:\n${lines.map((line) => `  ${line}`).join('\n')}`;
}
