import type { Command } from './command.ts';
import { auditCommand } from './commands/audit.ts';
import { budget } from './commands/budget.ts';
import { cycleCommand } from './commands/cycle.ts';
import { doctor } from './commands/doctor.ts';
import { keyCommand } from './commands/key.ts';
import { limitCommand } from './commands/limit.ts';
import { memberCommand } from './commands/member.ts';
import { messageCommand } from './commands/message.ts';
import { migrate } from './commands/migrate.ts';
import { operatorKeyCommand } from './commands/operator-key.ts';
import { placementCommand } from './commands/placement.ts';
import { policy } from './commands/policy.ts';
import { priceCommand } from './commands/price.ts';
import { queueCommand } from './commands/queue.ts';
import { rule } from './commands/rule.ts';
import { runCommand } from './commands/run.ts';
import { secretCommand } from './commands/secret.ts';
import { apiCommand, type ServiceRunners, schedulerCommand, workerCommand } from './commands/service.ts';
import { tenant } from './commands/tenant.ts';
import { upCommand } from './commands/up.ts';
import { usageCommand } from './commands/usage.ts';
import { windowCommand } from './commands/window.ts';
import { workerList } from './commands/worker-list.ts';

/** Every command of `rae`, in the order and under the headings of its help. Adding one is adding a file and naming it here. */
export function commandsOf(runners: ServiceRunners): readonly Command[] {
  const groups: Readonly<Record<string, readonly Command[]>> = {
    'To begin:': [upCommand, doctor],
    'The processes of a fleet:': [
      migrate,
      schedulerCommand(runners),
      workerCommand(runners, [workerList]),
      apiCommand(runners),
    ],
    'Tenants, and who may do what:': [tenant, memberCommand, keyCommand, operatorKeyCommand, secretCommand],
    'What a tenant sets:': [policy, budget, rule],
    'Work, and what holds it:': [
      cycleCommand,
      runCommand,
      queueCommand,
      limitCommand,
      windowCommand,
      placementCommand,
      messageCommand,
    ],
    'Costs, and what was done:': [usageCommand, priceCommand, auditCommand],
  };
  return Object.entries(groups).flatMap(([heading, commands]) => commands.map((one) => ({ ...one, heading })));
}
