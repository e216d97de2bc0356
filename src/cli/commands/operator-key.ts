import { Option } from 'commander';
import { OperatorKeyBook } from '../../access/operator-key-book.ts';
import type { Call } from '../call.ts';
import type { Command } from '../command.ts';
import { argument, instant, option, text } from '../option.ts';
import { table } from '../table.ts';

const create: Command = {
  name: 'create',
  does: 'Makes an API key of an operator, and shows it this once: it sees counts and states of all tenants.',
  needs: [option('--name <name>', 'what it is for', text)],
  options: [option('--expires <instant>', 'until then; default: until it is revoked', instant)],
  examples: ['rae operator-key create --name sre'],
  run: async (call) => {
    const { name, expires } = call.options<{ readonly name: string; readonly expires?: Date }>();
    const { keyId, text: apiKey } = await book(call).create({ name, expiresAt: expires });
    return {
      json: { key_id: keyId, name, role: 'operator', api_key: apiKey },
      text: () => `key ${keyId} (operator) is made; it is shown this once:\n${apiKey}`,
    };
  },
};

const list: Command = {
  name: 'list',
  does: 'Lists the API keys of operators without what they are.',
  options: [new Option('--revoked', 'those that were revoked as well')],
  examples: ['rae operator-key list'],
  run: async (call) => {
    const keys = await book(call).list(call.options<{ revoked?: true }>().revoked === true);
    const columns = [
      { title: 'KEY', value: (key: (typeof keys)[number]) => key.key_id },
      { title: 'NAME', value: (key: (typeof keys)[number]) => key.name, shrinks: true },
      { title: 'CREATED', value: (key: (typeof keys)[number]) => key.created_at.toISOString() },
      { title: 'EXPIRES', value: (key: (typeof keys)[number]) => key.expires_at?.toISOString() },
      { title: 'LAST USED', value: (key: (typeof keys)[number]) => key.last_used_at?.toISOString() },
      { title: 'REVOKED', value: (key: (typeof keys)[number]) => key.revoked_at?.toISOString() },
    ];
    return { json: { keys }, text: () => (keys.length === 0 ? 'no key' : table(columns, keys, call.out.look)) };
  },
};

const revoke: Command = {
  name: 'revoke',
  does: 'Revokes an API key of an operator: it is refused from the next request on, everywhere.',
  arguments: [argument('<key>', 'its id', text)],
  examples: ['rae operator-key revoke 5d0c6a1f2b3e4d5c'],
  destroys: () => 'Whoever uses the key is refused from now on, and it cannot be made valid again.',
  run: async (call) => {
    const [keyId] = call.args<[string]>();
    const { changed } = await book(call).revoke(keyId);
    return {
      json: { key_id: keyId, revoked: true, changed },
      text: () => (changed ? `key ${keyId} is revoked` : `key ${keyId} was revoked before`),
    };
  },
};

/** `rae operator-key`. */
export const operatorKeyCommand: Command = {
  name: 'operator-key',
  does: 'Makes, lists and revokes the API keys of operators, who belong to no tenant.',
  commands: [create, list, revoke],
};

function book(call: Call): OperatorKeyBook {
  return new OperatorKeyBook(call.connection.as('rae_operator'));
}
