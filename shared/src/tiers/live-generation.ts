import { cellCount } from '../cache/grid';
import { KeySpace } from '../cache/keys';
import { CellFinder } from './cell-finder';
import type { GenerationFacts, LiveGeneration } from './tier';

/** A generation of which a tier has told, with what is found out by these facts. */
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
