import { Option } from 'commander';
import { RaeError } from '../../kernel/errors.ts';
import { isUuid } from '../../kernel/ids.ts';
import { MESSAGE_STATES, MessageBook, type MessageState, type OutgoingMessage } from '../../tenant/message-book.ts';
import type { Call } from '../call.ts';
import { clean } from '../cell.ts';
import type { Command } from '../command.ts';
import { knownTenant } from '../known-tenant.ts';
import { argument, instant, oneOf, option, type Reader, tenantId, whole } from '../option.ts';
import { type Messages, RemoteMessages } from '../remote-messages.ts';
import { table } from '../table.ts';

const TENANT = '3f2a8c54-1f7e-4c0b-9a53-0d7e2b1c9f10';
const tenant = option('--tenant <tenant>', 'its id', tenantId);

const messageId: Reader<string> = (given) => {
  const id = given.toLowerCase();
  if (isUuid(id)) return id;
  throw new RaeError(
    'RAE_USAGE',
    `is ${JSON.stringify(clean(given.slice(0, 60)))}; expected the id of a message, a uuid`,
    {
      hint: 'see the ids with: rae message list --tenant ID',
    },
  );
};

interface ListOptions {
  readonly tenant: string;
  readonly state?: MessageState;
  readonly before?: Date;
  readonly limit: number;
}

const messageList: Command = {
  overApi: true,
  name: 'list',
  does: "Lists a tenant's outgoing messages, the newest first, and what became of each.",
  needs: [tenant],
  options: [
    option('--state <state>', `only this state: ${MESSAGE_STATES.join(', ')}`, oneOf(MESSAGE_STATES)),
    option('--before <instant>', 'only messages made before: the MADE of the last one of the page before', instant),
    option('--limit <n>', 'how many', whole(1, 10_000)).default(50),
  ],
  examples: [`rae message list --tenant ${TENANT} --state dead`],
  run: async (call) => {
    const { tenant: id, ...page } = call.options<ListOptions>();
    await knownTenant(call, id);
    const messages = await book(call).list(id, page);
    return {
      json: { tenant_id: id, messages },
      text: () => (messages.length === 0 ? 'no message' : listed(messages, call)),
    };
  },
};

const messageRetry: Command = {
  overApi: true,
  name: 'retry',
  does: 'Has a message sent again that is dead, or now if it waits; its time and its tries begin anew.',
  arguments: [argument('[message]', 'its id', messageId)],
  needs: [tenant],
  options: [new Option('--all', 'every dead message of the tenant')],
  examples: [
    `rae message retry 7d1f0c52-88c1-4a55-9a0e-6f6b1d1a2c3e --tenant ${TENANT}`,
    `rae message retry --all --tenant ${TENANT}`,
  ],
  run: async (call) => {
    const [message] = call.args<[string | undefined]>();
    const { tenant: id, all } = call.options<{ tenant: string; all?: true }>();
    if ((message === undefined) === (all === undefined))
      throw new RaeError('RAE_USAGE', 'name one message, or say --all');
    await knownTenant(call, id);
    if (message !== undefined) await book(call).retry(id, message);
    const retried = message === undefined ? await book(call).retryDead(id) : 1;
    return {
      json: { tenant_id: id, retried },
      text: () => `${retried} ${retried === 1 ? 'message is' : 'messages are'} sent again`,
    };
  },
};

/** `rae message`. */
export const messageCommand: Command = {
  name: 'message',
  does: "Lists tenants' outgoing messages, and has them sent again.",
  commands: [messageList, messageRetry],
};

function book(call: Call): Messages {
  return call.remote === undefined ? new MessageBook(call.connection.tenants) : new RemoteMessages(call.remote);
}

function listed(messages: readonly OutgoingMessage[], call: Call): string {
  return table(
    [
      { title: 'MESSAGE', value: (message) => message.message_id },
      { title: 'TYPE', value: (message) => message.type, shrinks: true },
      { title: 'TO', value: (message) => message.endpoint, shrinks: true },
      { title: 'STATE', value: stateOf, tone: ({ state }) => (state === 'dead' ? 'bad' : undefined) },
      { title: 'ATTEMPTS', value: (message) => message.attempts, align: 'right' },
      { title: 'MADE', value: (message) => message.created_at.toISOString() },
      { title: 'NEXT', value: (message) => message.next_attempt_at?.toISOString() },
      { title: 'ERROR', value: (message) => message.last_error ?? undefined, shrinks: true },
    ],
    messages,
    call.out.look,
  );
}

function stateOf({ state, reason }: OutgoingMessage): string {
  return reason === null ? state : `${state}: ${reason}`;
}
