import { type Axis, cellCount } from '../cache/grid';
import { KeySpace } from '../cache/keys';
import { CellFinder } from './cell-finder';
import type { LiveGeneration } from './tier';

/** What a tier has to say of a generation for rows of it to be found. */
export interface GenerationFacts {
  readonly model: string;
  /** 12 hexadecimal digits. */
  readonly generation: string;
  readonly modelVersion: string;
  readonly axes: readonly Axis[];
  readonly outputs: readonly string[];
  /** ISO 8601 UTC; `undefined` for one that was never published. */
  readonly publishedAt: string | undefined;
}

export function liveGeneration(keyPrefix: string, facts: GenerationFacts): LiveGeneration {
  const { model, generation, modelVersion, axes, outputs, publishedAt } = facts;
  return {
    ...{ model, generation, modelVersion, axes, outputs, publishedAt },
    identity: Buffer.from(generation, 'hex'),
    keys: new KeySpace(keyPrefix, model),
    cells: cellCount(axes),
    finder: new CellFinder(axes),
  };
}
