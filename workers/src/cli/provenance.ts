import type { Provenance } from '#shared/predictor/answers';
import { formatElapsed } from '../elapsed';
import { printable, widthOf } from './terminal-text';

export interface Asked {
  readonly model: string;
  readonly category: string;
  /** Values of axes, such as `day=3 hour=14`. */
  readonly axes: string;
}

/** The lines below an answer, for so many columns of a terminal: what was asked, and where the answer comes from. */
export function describeProvenance(
  { model, category, axes }: Asked,
  provenance: Provenance,
  columns: number,
): string[] {
  const { tier, generation, modelVersion, ageMs, stale } = provenance;
  const asked = [model, printable(category), printable(axes)].filter((part) => part !== '').join(' | ');
  const age = `computed ${formatElapsed(ageMs)} ago (${stale ? 'stale' : 'fresh'})`;
  const parts = [`from ${tier}`, `generation ${generation}`, `model version ${printable(modelVersion)}`, age];
  return [`  ${asked}`, ...broken(parts, columns)];
}

/** The parts on one line, or on more, broken between them. */
function broken(parts: readonly string[], columns: number): string[] {
  const lines: string[] = [];
  for (const part of parts) {
    const longer = `${lines.at(-1)}, ${part}`;
    if (lines.length > 0 && widthOf(longer) + 1 <= columns) lines[lines.length - 1] = longer;
    else {
      if (lines.length > 0) lines[lines.length - 1] += ',';
      lines.push(`  ${part}`);
    }
  }
  return lines;
}
