import { type GateReport, percent, worstText } from '#shared/rollout/gates';
import type { Colours } from './colours';

/** What the gates of a generation said, some lines. */
export function gateLines({ passed, refusals, figures, worst }: GateReport, colours: Colours): string[] {
  const { expected, missing, values, compared, meanChange, changedShare } = figures;
  const drift =
    compared === 0 || meanChange === null
      ? 'nothing that can be compared is live'
      : `mean relative change ${percent(meanChange)}, ${percent(changedShare ?? 0)} of the values outside of the band`;
  return [
    passed ? colours.green('passes every gate') : colours.red('refused'),
    ...refusals.map(({ gate, says }) => `  ${gate.padEnd(9)} ${says}`),
    `  rows      ${expected - missing} of ${expected}, ${values.toLocaleString('en')} values`,
    `  drift     ${drift}`,
    ...(passed || worst.length === 0 ? [] : ['  worst', ...worst.map((cell) => `    ${worstText(cell)}`)]),
  ];
}
