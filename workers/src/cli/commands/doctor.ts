import type { Command } from 'commander';
import type { Finding, Verdict } from '../../doctor/finding';
import { addFolder, Invocation } from '../invocation';
import { tableLines } from '../table';

export function addDoctor(program: Command): void {
  addFolder(program.command('doctor'))
    .description('look at everything a deployment depends on, and say what to do; changes nothing')
    .addHelpText(
      'after',
      '\nRun it on each machine: what it says of clocks, disks and speed is of this one. Ends with 1 when something fails.',
    )
    .action((_options: unknown, command: Command) => run(new Invocation(command)));
}

async function run(invocation: Invocation): Promise<void> {
  const config = invocation.configOfRunning();
  // Loaded here and not above: every other command would wait for it too.
  const { examine } = await import('../../doctor/examine.js');
  const findings = await examine(config, invocation.environment);
  const count = (verdict: Verdict): number => findings.filter((finding) => finding.verdict === verdict).length;
  const [failed, warned] = [count('fail'), count('warn')];
  const document = { ok: failed === 0, failed, warned, passed: count('pass'), findings };
  invocation.answer(document, () => describe(invocation, findings, failed, warned));
  if (failed > 0) process.exitCode = 1;
}

function describe(invocation: Invocation, findings: readonly Finding[], failed: number, warned: number): string {
  const { colours } = invocation;
  const paint = { pass: colours.green, warn: colours.yellow, fail: colours.red };
  const table = tableLines(
    findings,
    [
      { head: 'check', cell: ({ check }) => check },
      { head: '', cell: ({ verdict }) => paint[verdict](verdict) },
      { head: 'found', cell: ({ found }) => found.replaceAll(/\s*\n\s*/g, ' '), canBeCut: true },
    ],
    invocation,
    ({ next }) => next,
  );
  const passed = findings.length - failed - warned;
  const verdict = failed > 0 ? colours.red(`${failed} failed`) : colours.green('nothing fails');
  return [...table, '', `${verdict}, ${warned} ${warned === 1 ? 'warning' : 'warnings'}, ${passed} passed`].join('\n');
}
