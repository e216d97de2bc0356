import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DemoReceiver, type Received } from '../../demo/receiver.ts';

/** Where the receiver of a data directory had its port last, so that addresses in rules and messages stay right. */
const FILE = 'receiver-port';

/** Starts the receiver of a demo's webhooks, on the same port as the last time where that is free. */
export async function startReceiver(dataDir: string): Promise<DemoReceiver> {
  const file = join(dataDir, FILE);
  const receiver = await DemoReceiver.start(portIn(file));
  mkdirSync(dataDir, { recursive: true });
  writeFileSync(file, `${receiver.port}\n`);
  return receiver;
}

/** What has arrived, in words: `7 messages (budget.threshold 2, rule.fired 5)`. */
export function receivedInWords({ messages, types }: Received): string {
  const parts = Object.entries(types).map(([type, count]) => `${type} ${count}`);
  return `${messages} messages${parts.length === 0 ? '' : ` (${parts.join(', ')})`}`;
}

function portIn(file: string): number {
  try {
    const port = Number(readFileSync(file, 'utf8').trim());
    return Number.isInteger(port) && port > 0 && port < 65_536 ? port : 0;
  } catch {
    return 0;
  }
}
