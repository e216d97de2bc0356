import { Option } from 'commander';
import { RaeError } from '../../kernel/errors.ts';
import type { Command } from '../command.ts';
import { argument, text } from '../option.ts';
import { workerNamed } from '../worker-name.ts';

/** What runs a service in this process until it is told to stop; gives its exit code. */
export interface ServiceRunners {
  readonly scheduler: () => Promise<number>;
  readonly workers: (names: readonly string[]) => Promise<number>;
  readonly api: (elseAnyPort: boolean) => Promise<number>;
}

/** `rae scheduler`. */
export function schedulerCommand({ scheduler }: ServiceRunners): Command {
  return {
    name: 'scheduler',
    does: 'Runs a scheduler: plans what is due, dispatches it, takes back what lapsed. Any number may run.',
    examples: ['RAE_DATABASE_URL=postgres://rae_scheduler_login@db/rae RAE_REDIS_URL=redis://redis rae scheduler'],
    run: async () => ending(await scheduler()),
  };
}

/** `rae worker`, with the commands that are about workers. */
export function workerCommand({ workers }: ServiceRunners, commands: readonly Command[]): Command {
  return {
    name: 'worker',
    does: 'Runs workers in this process, or lists the workers there are.',
    arguments: [argument('[names...]', 'names of workers', text)],
    examples: ['rae worker decay', 'rae worker list'],
    commands,
    run: async (call) => {
      const [first] = call.args<[string | readonly string[] | undefined]>();
      const names = first === undefined ? [] : [first].flat();
      const catalogue = await call.catalogue;
      if (names.length === 0) {
        throw new RaeError('RAE_USAGE', 'which worker?', { hint: `there are: ${catalogue.names.join(', ')}` });
      }
      for (const name of names) workerNamed(catalogue, name);
      return ending(await workers([...new Set(names)]));
    },
  };
}

/** `rae api`. */
export function apiCommand({ api }: ServiceRunners): Command {
  return {
    name: 'api',
    does: 'Serves the HTTP API to API servers, tenants and SREs. Any number may run, behind a balancer.',
    options: [new Option('--else-any-port', 'where its port is taken, take any free one')],
    examples: ['RAE_DATABASE_URL=postgres://rae_api_login@db/rae RAE_HTTP_PORT=8080 rae api'],
    run: async (call) => ending(await api(call.options<{ elseAnyPort?: true }>().elseAnyPort === true)),
  };
}

/** A service has written its log; the command has nothing to add but its exit code. */
function ending(exit: number) {
  return { json: { exit }, text: () => '', exit };
}
