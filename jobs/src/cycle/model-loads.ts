import type { ModelCatalogue } from '#shared/model/model-catalogue';
import type { ModelSpec } from '#shared/model/spec';
import { within } from '#shared/within';

/** Ticks of other models wait behind one that waits for its file to be loaded and tried. */
const PATIENCE_MS = 500;

/** Model files for ticks: one that loads quickly at once, another when it is there. */
export class ModelLoads {
  private readonly models: Pick<ModelCatalogue, 'resolve'>;
  private readonly late = new Set<string>();

  constructor(models: Pick<ModelCatalogue, 'resolve'>) {
    this.models = models;
  }

  /**
   * What the model's file is now; `undefined` when that is not known soon. Then `onLate` is given the load, once however
   * many ask in the meantime.
   * @throws ForewarmError as `ModelCatalogue.resolve`
   */
  async soon(model: string, onLate: (load: Promise<ModelSpec>) => Promise<void>): Promise<ModelSpec | undefined> {
    const load = this.models.resolve(model);
    if (await within(load, PATIENCE_MS)) return load;
    if (this.late.has(model)) return undefined;
    this.late.add(model);
    onLate(load).finally(() => this.late.delete(model));
    return undefined;
  }
}
