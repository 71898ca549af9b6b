import type { ModelFile } from '../tiers/model-source';
import { ModelView } from './model-view';
import type { PredictorOptions } from './predictor-options';
import type { ReaderCore } from './reader-core';
import { settingsOf } from './view-settings';

/** The models that a reader knows of: those that were asked for, and found. */
export class KnownModels {
  readonly views = new Map<string, ModelView>();
  private readonly files: ReadonlyMap<string, ModelFile>;
  private readonly options: PredictorOptions;
  /** Those that are looked for. */
  private readonly finding = new Map<string, Promise<ModelView>>();

  constructor(options: PredictorOptions) {
    this.options = options;
    this.files = new Map(options.models?.map((model) => [model.name, model]));
  }

  /** Also those that have a file here. */
  get names(): readonly string[] {
    return [...new Set([...this.files.keys(), ...this.views.keys()])];
  }

  /**
   * A model as it is live now. One that is asked for the first time is looked for, by all who ask for it together.
   * @throws ForewarmError FW_NOT_WARMED, FW_READ_FAILED
   */
  async current(core: ReaderCore, model: string): Promise<ModelView> {
    const view = this.views.get(model);
    if (view !== undefined) {
      await core.lives.refreshed(view);
      return view;
    }
    const under = this.finding.get(model);
    if (under !== undefined) return under;
    const finding = this.find(core, model).finally(() => this.finding.delete(model));
    this.finding.set(model, finding);
    return finding;
  }

  private async find(core: ReaderCore, model: string): Promise<ModelView> {
    const view = new ModelView(model, settingsOf(this.files.get(model), this.options));
    await core.lives.look(view);
    this.views.set(model, view);
    core.listen(model);
    return view;
  }
}
