import { loadConfig } from '../config/config.ts';
import { VERSION } from '../fleet/version.ts';
import type { RaeError } from '../kernel/errors.ts';
import { redactText } from '../kernel/redact.ts';
import { Call, type CliPorts } from './call.ts';
import type { Command } from './command.ts';
import { confirm } from './confirmation.ts';
import { explained } from './explain.ts';
import { Output } from './output.ts';
import { programOf, type Runner } from './program.ts';
import { exitOf, withoutHelp } from './usage.ts';

/** Where a call comes from and goes to. */
export interface Invocation {
  /** The words after `rae`. */
  readonly args: readonly string[];
  readonly stdin: NodeJS.ReadStream;
  readonly stdout: NodeJS.WriteStream;
  readonly stderr: NodeJS.WriteStream;
}

/**
 * Runs one call of `rae` and gives its exit code: 0 done, 1 failed, 2 wrong usage, 3 not found, 4 refused. Data goes to
 * standard output; errors go to standard error, and with `--json` to standard output too, as
 * `{"error": {code, message, hint}}`.
 */
export async function runCli(invocation: Invocation, commands: readonly Command[], ports: CliPorts): Promise<number> {
  const out = new Output(invocation.stdout, invocation.stderr);
  const json = asksForJson(invocation.args);
  let exit = 0;
  const run: Runner = async (command, typed) => {
    const call = new Call(typed, out, ports, command.overApi);
    const loss = typed.options.yes === true ? undefined : command.destroys?.(typed.options);
    try {
      if (loss !== undefined) await confirm(loss, invocation.stdin, out);
      const answer = await command.run(call);
      exit = answer?.exit ?? 0;
      if (answer !== undefined) out.data(call.json ? JSON.stringify(answer.json, null, 2) : answer.text());
    } finally {
      await call.close();
    }
  };
  try {
    const args = withoutHelp(invocation.args, commands);
    await programOf(commands, VERSION, out, run).parseAsync(args, { from: 'user' });
    await out.flush();
    return exit;
  } catch (error) {
    const ended = exitOf(error);
    const told = ended === undefined ? explained(error) : undefined;
    if (told !== undefined) tell(told, out, json);
    await out.flush().catch(() => undefined);
    return told?.exit ?? ended ?? 1;
  }
}

function tell(error: RaeError, out: Output, json: boolean): void {
  const { code, message, hint } = error;
  if (json) out.data(JSON.stringify({ error: { code, message, hint: hint ?? null } }, null, 2));
  const inner = code === 'RAE_INTERNAL' ? `${message} (${code})` : message;
  out.say(`${out.sayingStyle('error:', 'bad')} ${inner}`);
  if (hint !== undefined) out.say(hint);
  if (wantsStacks()) out.say(redactText(String((error.cause instanceof Error ? error.cause : error).stack)));
}

/** Asked of the words, since a call that is wrong has no options. */
function asksForJson(args: readonly string[]): boolean {
  const end = args.indexOf('--');
  return (end === -1 ? args : args.slice(0, end)).includes('--json');
}

function wantsStacks(): boolean {
  try {
    return ['trace', 'debug'].includes(loadConfig().config.logLevel);
  } catch {
    return false;
  }
}
