import type { InspectTask } from '../inference/protocol';
import type { Inspect } from '../model/model-catalogue';
import type { ModelSpec } from '../model/spec';
import type { FeatureSources } from './feature-sources';

/** Of a matrix of categories one value may be special, such as the first: so many are tried. */
const PROBES = 5;
/** Categories among which some with all their features are looked for: one that lacks some is no reason not to try the model. */
const CANDIDATES = 10_000;

/** What tries a model, with the features of the categories that it is tried on. */
export function inspectWith(
  features: Pick<FeatureSources, 'rows'>,
  inspect: (task: InspectTask) => Promise<ModelSpec>,
): Inspect {
  return async (mapping, candidates) => {
    const known = await features.rows(mapping.name, candidates.slice(0, CANDIDATES));
    const isWhole = (category: string): boolean => known?.get(category)?.every((value) => value !== null) ?? true;
    const whole = known === undefined ? candidates : candidates.slice(0, CANDIDATES).filter(isWhole);
    const probeCategories = (whole.length > 0 ? whole : candidates).slice(0, PROBES);
    const rows = known && new Map(probeCategories.map((category) => [category, known.get(category) ?? []]));
    return inspect({ mapping, probeCategories, ...(rows && { features: rows }) });
  };
}
