import type { AddressInfo } from 'node:net';
import { connect, createServer, type Server, type Socket } from 'node:net';

/** A fixed address in front of a server whose own address changes when it is started again. */
export class Relay {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  #port = 0;
  #target = { host: '127.0.0.1', port: 0 };

  constructor() {
    this.#server = createServer((near) => {
      const far = connect(this.#target);
      for (const [socket, other] of [
        [near, far],
        [far, near],
      ] as const) {
        this.#sockets.add(socket);
        // Whichever end breaks, the other one learns of it; why it broke is the test's matter.
        socket.on('error', () => undefined);
        socket.on('close', () => {
          this.#sockets.delete(socket);
          other.destroy();
        });
      }
      near.pipe(far).pipe(near);
    });
  }

  /** Lets every connection there is go silent for good without closing it, as a lost route does; new ones are served. */
  silence(): number {
    const silenced = this.#sockets.size / 2;
    for (const socket of this.#sockets) {
      socket.unpipe();
      // Read on and thrown away: a full buffer would tell the sender that something is wrong.
      socket.resume();
    }
    return silenced;
  }

  async open(): Promise<void> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    this.#port = (this.#server.address() as AddressInfo).port;
  }

  /** `url` at the relay's address; connections made from now on reach that server. */
  inFrontOf(url: string): string {
    const at = new URL(url);
    this.#target = { host: at.hostname, port: Number(at.port) };
    // The server may run elsewhere, as in a container: the relay is here.
    at.hostname = '127.0.0.1';
    at.port = String(this.#port);
    return at.href;
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}
