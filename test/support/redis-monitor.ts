import { connect, type Socket } from 'node:net';
import { createInterface } from 'node:readline';
import { eventually } from './eventually.ts';

/** A command that a Redis has run, for a client or within a script. */
export interface RunCommand {
  readonly inScript: boolean;
  readonly name: string;
  readonly args: readonly string[];
}

const LINE = /^\+[\d.]+ \[\d+ (\S+)\] (.*)$/;
const ESCAPED: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t', a: '\x07', b: '\b' };

function unescaped(text: string): string {
  return text.replace(/\\(?:x([0-9a-f]{2})|(.))/g, (_all, hex: string | undefined, plain: string) =>
    hex === undefined ? (ESCAPED[plain] ?? plain) : String.fromCharCode(Number.parseInt(hex, 16)),
  );
}

/**
 * Hears of every command that a Redis runs. By a plain connection: ioredis fails on what comes in one packet with the
 * answer to MONITOR, as it does of a busy server.
 */
export class RedisMonitor {
  readonly #socket: Socket;
  #isListening = false;

  constructor(url: string, hear: (command: RunCommand) => void) {
    const { hostname, port, username, password } = new URL(url);
    this.#socket = connect(Number(port || 6379), hostname);
    // That the server was killed is what some tests do.
    this.#socket.on('error', () => undefined);
    const user = username === '' ? '' : `${decodeURIComponent(username)} `;
    if (password !== '') this.#socket.write(`AUTH ${user}${decodeURIComponent(password)}\r\n`);
    this.#socket.write('MONITOR\r\n');
    createInterface(this.#socket).on('line', (line) => {
      const [, source = '', rest] = LINE.exec(line) ?? [];
      if (rest === undefined) {
        this.#isListening ||= line === '+OK';
        return;
      }
      const [name = '', ...args] = [...rest.matchAll(/"((?:[^"\\]|\\.)*)"/g)].map(([, text = '']) => unescaped(text));
      hear({ inScript: source === 'lua', name: name.toLowerCase(), args });
    });
  }

  /** Waits until it hears everything from then on. */
  async ready(): Promise<void> {
    await eventually(() => (this.#isListening ? true : undefined), { what: 'Redis to tell its commands' });
  }

  end(): void {
    this.#socket.destroy();
  }
}
