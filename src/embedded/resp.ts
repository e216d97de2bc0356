import { connect, type NetConnectOpts } from 'node:net';

/** Where a Redis listens, and who asks. */
export interface RedisAddress {
  readonly at: NetConnectOpts;
  readonly username?: string | undefined;
  readonly password?: string | undefined;
}

function encode(words: readonly string[]): string {
  return `*${words.length}\r\n${words.map((word) => `$${Buffer.byteLength(word)}\r\n${word}\r\n`).join('')}`;
}

/** The replies complete in `data`, as text with their kind (`+OK`, `-ERR …`, `$…`); only kinds that are no lists. */
function replies(data: Buffer): readonly string[] {
  const found: string[] = [];
  for (let at = 0; at < data.length; ) {
    const end = data.indexOf('\r\n', at);
    if (end < 0) break;
    const line = data.toString('utf8', at, end);
    at = end + 2;
    if (!line.startsWith('$')) found.push(line);
    else {
      const length = Math.max(0, Number(line.slice(1)));
      if (data.length < at + length + 2) break;
      found.push(`$${data.toString('utf8', at, at + length)}`);
      at += length + 2;
    }
  }
  return found;
}

/**
 * Asks a Redis for its state over one connection: what it answers to INFO, beginning with `$`, or its refusal,
 * beginning with `-`.
 * @throws whatever stood against the connection, or that no answer came within `withinMs` milliseconds.
 */
export function askInfo({ at, username, password }: RedisAddress, withinMs: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(at);
    socket.setTimeout(withinMs, () => socket.destroy(new Error(`no answer within ${withinMs / 1_000} s`)));
    const auth = password === undefined ? [] : [['AUTH', ...(username ? [username] : []), password]];
    const commands = [...auth, ['INFO', 'server']];
    let data = Buffer.alloc(0);
    socket.on('connect', () => socket.write(commands.map(encode).join('')));
    socket.on('data', (chunk) => {
      data = Buffer.concat([data, chunk]);
      if (!/^[-+:$*]/.test(data.toString('latin1', 0, 1))) {
        socket.destroy(new Error('what answers is not Redis'));
        return;
      }
      const answers = replies(data);
      if (answers.length < commands.length) return;
      const refused = answers.find((answer) => answer.startsWith('-WRONGPASS'));
      resolve(refused ?? answers[commands.length - 1] ?? '');
      socket.end();
    });
    socket.on('error', reject);
    socket.on('close', () => reject(new Error('the connection was closed without an answer')));
  });
}

/** The version in what INFO answered: Valkey's own, not the Redis version it says it is compatible with. */
export function versionInInfo(info: string): string {
  return /^valkey_version:(\S+)/m.exec(info)?.[1] ?? /^redis_version:(\S+)/m.exec(info)?.[1] ?? 'unknown';
}
