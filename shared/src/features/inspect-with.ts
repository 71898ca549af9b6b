import type { InspectTask } from '../inference/protocol';
import type { Inspect } from '../model/model-catalogue';
import type { ModelSpec } from '../model/spec';
import type { FeatureSources } from './feature-sources';

/** What tries a model, with the features of the categories that it is tried on. */
export function inspectWith(
  features: Pick<FeatureSources, 'rows'>,
  inspect: (task: InspectTask) => Promise<ModelSpec>,
): Inspect {
  return async (mapping, probeCategories) => {
    const rows = await features.rows(mapping.name, probeCategories);
    return inspect({ mapping, probeCategories, ...(rows && { features: rows }) });
  };
}
