import type { Provenance } from '#shared/tiers/redis-reader';
import { formatElapsed } from './elapsed';
import { printable } from './terminal-text';

/** The two lines below an answer: what was asked, and where the answer comes from. */
export function describeProvenance(
  { model, category, axes }: { readonly model: string; readonly category: string; readonly axes: string },
  { tier, generation, modelVersion, ageMs, stale }: Provenance,
): string[] {
  const asked = [model, printable(category), printable(axes)].filter((part) => part !== '').join(' | ');
  const source = `from ${tier}, generation ${generation}, model version ${modelVersion}`;
  return [`  ${asked}`, `  ${source}, computed ${formatElapsed(ageMs)} ago (${stale ? 'stale' : 'fresh'})`];
}
