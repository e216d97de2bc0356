import { clean } from '../cell.ts';
import type { Command } from '../command.ts';
import type { Finding } from '../doctor/finding.ts';
import type { Style, Tone } from '../style.ts';

const TONES: Readonly<Record<Finding['status'], Tone>> = { ok: 'good', warn: 'warn', fail: 'bad' };

function shown(findings: readonly Finding[], style: Style): string {
  const width = Math.max(...findings.map(({ check }) => check.length));
  return findings
    .flatMap(({ check, status, found, mend }) => {
      const indent = ' '.repeat(width + 8);
      const [first = '', ...further] = found.split('\n').map(clean);
      return [
        `${style(status.padEnd(4), TONES[status])}  ${check.padEnd(width)}  ${first}`,
        ...further.map((line) => indent + line),
        ...(mend === undefined ? [] : [`${indent}${style('to mend it:', 'dim')} ${clean(mend)}`]),
      ];
    })
    .join('\n');
}

export const doctor: Command = {
  name: 'doctor',
  does: 'Looks at everything the fleet depends on and says how to mend what it finds; exits 1 when something fails.',
  examples: ['rae doctor', 'rae doctor --json'],
  run: async (call) => {
    // Loaded here, so that no other command waits for what it looks at.
    const { examine } = await import('../doctor/examination.ts');
    const findings = await examine(call);
    const failed = findings.filter(({ status }) => status === 'fail').length;
    const warned = findings.filter(({ status }) => status === 'warn').length;
    if (!call.json) call.out.say(`${findings.length} checks, ${failed} failed, ${warned} warned`);
    return {
      json: { ok: failed === 0, checks: findings.map((finding) => ({ ...finding, mend: finding.mend ?? null })) },
      text: () => shown(findings, call.out.look.style),
      exit: failed === 0 ? 0 : 1,
    };
  },
};
