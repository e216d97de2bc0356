// Reads from the API as its callers do: four at once, each read in turn.
import { Agent, request } from 'node:http';
import { ready, task, tell } from './task.ts';

/** What it is to read, by name, and with which keys. */
interface Task {
  readonly port: number;
  readonly keys: readonly string[];
  readonly reads: Readonly<Record<string, string>>;
}

const CALLERS = 4;
const { port, keys, reads } = task<Task>();
const agent = new Agent({ keepAlive: true, maxSockets: CALLERS });

/** One read; in ms. @throws where it is no right answer. */
function answered(path: string, key: string): Promise<number> {
  const began = performance.now();
  return new Promise((resolve, reject) => {
    const headers = { authorization: `Bearer ${key}` };
    const sent = request({ agent, port, host: '127.0.0.1', path, headers }, (response) => {
      response.resume();
      response.on('end', () =>
        response.statusCode === 200
          ? resolve(performance.now() - began)
          : reject(new Error(`${path} answers ${response.statusCode}`)),
      );
    });
    sent.on('error', reject);
    sent.end();
  });
}

async function caller(nth: number, times: number, took: Readonly<Record<string, number[]>>): Promise<void> {
  for (let time = 0; time < times / CALLERS; time += 1)
    for (const [name, path] of Object.entries(reads))
      took[name]?.push(await answered(path, keys[(nth + time) % keys.length] ?? ''));
}

ready(({ times }) => {
  const took = Object.fromEntries(Object.keys(reads).map((name) => [name, [] as number[]]));
  const all = Array.from({ length: CALLERS }, (_none, nth) => caller(nth, Number(times), took));
  void Promise.all(all).then(() => tell({ took }));
});
