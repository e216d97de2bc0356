// Finds, names and kills what a run left behind; exits 1 when there was anything.
//   node test/tooling/leftovers.mjs --mark TEXT [--folder DIR]… [--group PGID]… [--grace-seconds N]
// A process counts as left behind when it is younger than the caller and carries CI_RUN_MARK=TEXT in its environment,
// is in one of the process groups, or works in one of the folders. Three signs, because each can be lost: a daemon
// leaves its group, servers are given an environment of their own, and not every process names a folder.
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';

const { values: asked } = parseArgs({
  options: {
    mark: { type: 'string' },
    folder: { type: 'string', multiple: true, default: [] },
    group: { type: 'string', multiple: true, default: [] },
    'grace-seconds': { type: 'string', default: '10' },
  },
});

/** What `read` gives, or '' for a process that has gone or belongs to somebody else. */
function orEmpty(read) {
  try {
    return read();
  } catch {
    return '';
  }
}

/** One process as /proc shows it, or undefined when it has gone or is a zombie. */
function processOf(pid) {
  const stat = orEmpty(() => readFileSync(`/proc/${pid}/stat`, 'utf8'));
  // The name stands in brackets and may itself hold spaces and brackets: read on from the last one.
  const [state, parent, group, session, ...rest] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  if (stat === '' || state === 'Z' || state === 'X') return undefined;
  const command = orEmpty(() => readFileSync(`/proc/${pid}/cmdline`, 'utf8'))
    .split('\0')
    .join(' ')
    .trim();
  return { pid: Number(pid), parent: Number(parent), group, session, started: Number(rest[15]), command };
}

/** This process and everything above it: the caller is not left behind. */
function lineage() {
  const own = new Set();
  for (let pid = process.pid; pid > 0 && !own.has(pid); pid = processOf(pid)?.parent ?? 0) own.add(pid);
  return own;
}

function isOurs(found) {
  if (asked.group.includes(found.group) || asked.group.includes(found.session)) return true;
  const environment = orEmpty(() => readFileSync(`/proc/${found.pid}/environ`, 'utf8')).split('\0');
  if (asked.mark !== undefined && environment.includes(`CI_RUN_MARK=${asked.mark}`)) return true;
  const place = orEmpty(() => readlinkSync(`/proc/${found.pid}/cwd`));
  return asked.folder.some((folder) => `${place}/`.startsWith(`${folder}/`) || found.command.includes(`${folder}/`));
}

function leftBehind() {
  const own = lineage();
  const since = processOf(process.ppid)?.started ?? 0;
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && !own.has(Number(name)))
    .map(processOf)
    .filter((found) => found !== undefined && found.started >= since && isOurs(found));
}

/** Waits until nothing is left or `seconds` have passed, and gives what is left then. */
async function leftAfter(seconds) {
  const deadline = performance.now() + seconds * 1_000;
  for (;;) {
    const left = leftBehind();
    if (left.length === 0 || performance.now() > deadline) return left;
    await sleep(100);
  }
}

/** Sends `signal` to each; one that has gone meanwhile is what was wanted. */
function send(signal, processes) {
  for (const { pid } of processes) orEmpty(() => process.kill(pid, signal));
}

const left = await leftAfter(Number(asked['grace-seconds']));
for (const { pid, command } of left) process.stderr.write(`left behind: ${pid} ${command.slice(0, 160)}\n`);
send('SIGTERM', left);
send('SIGKILL', await leftAfter(3));
const immortal = await leftAfter(3);
for (const { pid, command } of immortal) process.stderr.write(`cannot be killed: ${pid} ${command.slice(0, 160)}\n`);
process.exitCode = left.length > 0 ? 1 : 0;
