import { cellCount } from '#shared/cache/grid';
import { approximateBytes, formatBytes } from '#shared/config/bytes';
import { gridSize } from '#shared/config/sizes';
import type { Config, ModelConfig } from '#shared/config/types';
import { ForewarmError } from '#shared/errors';
import { unusedAxes } from '#shared/model/mapping';
import type { ModelCatalogue } from '#shared/model/model-catalogue';
import type { ModelSpec } from '#shared/model/spec';

/** A model of the configuration, and what its file turned out to be. */
export interface TriedModel {
  readonly model: ModelConfig;
  readonly spec: ModelSpec;
}

/** What of a model does not keep the others from being used. */
export interface Tolerance {
  readonly mayBeMissing?: (model: ModelConfig) => boolean;
  /**
   * Whether a model is left out whose categories were never asked for yet, or whose features cannot be read now: those of before may be
   * kept elsewhere.
   */
  readonly sourcesMayFail?: boolean;
}

/**
 * Loads and tries every model of the configuration, so that a mistake is told before anything is written.
 * @param mayBeMissing models that are served from copies while their file is missing; they are left out
 * @throws ForewarmError the one problem, or FW_CONFIG_INVALID with all of them; each names the models that are fine
 */
export async function checkModels(
  config: Config,
  models: Pick<ModelCatalogue, 'resolve'>,
  { mayBeMissing = () => false, sourcesMayFail = false }: Tolerance = {},
): Promise<TriedModel[]> {
  const tried: TriedModel[] = [];
  const problems: ForewarmError[] = [];
  for (const model of config.models) {
    if (sourcesMayFail && model.categories.length === 0) continue;
    try {
      const spec = await models.resolve(model.name);
      checkSize(config, model, spec);
      tried.push({ model, spec });
    } catch (error) {
      if (!(error instanceof ForewarmError)) throw error;
      if (error.code === 'FW_MODEL_FILE_MISSING' && mayBeMissing(model)) continue;
      if (error.code === 'FW_FEATURES_UNAVAILABLE' && sourcesMayFail) continue;
      problems.push(namingModel(model.name, error));
    }
  }
  const [first, ...more] = problems;
  if (first === undefined) return tried;
  const others = tried.length === 0 ? '' : `\n  these are fine: ${tried.map(({ model }) => model.name).join(', ')}`;
  if (more.length === 0) {
    const { code, message, details, next } = first;
    throw new ForewarmError(code, `${message}${others}`, { details, next, cause: first });
  }
  const lines = problems.map((problem) => `  ${problem.message}`).join('\n');
  throw new ForewarmError('FW_CONFIG_INVALID', `${problems.length} models cannot be used:\n${lines}${others}`);
}

/** Whether a daemon serves copies of what this model gave while its file is missing. */
export function startsWithoutFile({ startFrom }: ModelConfig): boolean {
  return startFrom.includes('backup');
}

/** From so many runs of a model for one row of the grid, they cost more than what is in them. */
const SEVERAL_RUNS = 4;

/** What can be used and is hardly meant, one line each. */
export function warningsOf({ spec }: TriedModel): string[] {
  const unused = unusedAxes(spec).map(({ name, values }) => {
    const costs = values.length === 1 ? '' : `; its ${values.length} values multiply the grid for nothing`;
    return `models.${spec.name}.axes.${name}: no input of the model takes this axis${costs}`;
  });
  const { fixedBatch } = spec;
  const runs = fixedBatch === undefined ? 0 : Math.ceil(cellCount(spec.axes) / fixedBatch);
  if (runs < SEVERAL_RUNS) return unused;
  const batch = `models.${spec.name}.file: the model takes ${fixedBatch} ${fixedBatch === 1 ? 'row' : 'rows'} at a time`;
  return [...unused, `${batch}, which costs ${runs} runs for each category; export it with a dynamic batch dimension`];
}

/** The error of a process that was lost over a file names neither the model nor what to do: this one does. */
function namingModel(name: string, error: ForewarmError): ForewarmError {
  const next = lossAdvice(error);
  if (next === undefined) return error;
  return new ForewarmError(error.code, `models.${name}.file: ${error.message}`, { next, cause: error });
}

function lossAdvice({ code, message, next }: ForewarmError): string | undefined {
  if (code === 'FW_INFERENCE_TIME_LIMIT') {
    return 'Raise inference.timeLimit if the model may take so long; if not, look for a loop without an end in it.';
  }
  if (code !== 'FW_INFERENCE_CRASHED') return undefined;
  // Nobody but the system kills it: the memory has run out.
  if (message.includes('SIGKILL')) return next;
  return 'Export it anew, for another opset or with other operators: ONNX Runtime itself does not survive this model.';
}

/** The bound again, now that the number of values per cell is known from the model itself. */
function checkSize(config: Config, { categories }: ModelConfig, spec: ModelSpec): void {
  const shape = { axes: spec.axes, categories: categories.length, outputs: spec.outputs.length };
  const { gridBytes } = gridSize(shape);
  if (gridBytes <= config.limits.gridBytes) return;
  const most = formatBytes(config.limits.gridBytes);
  throw new ForewarmError(
    'FW_CONFIG_INVALID',
    `models.${spec.name}: its rows take ${approximateBytes(gridBytes)} with ${spec.outputs.length} values per cell; ` +
      `limits.gridBytes allows ${most}`,
    { next: 'Take fewer categories or axis values, or raise limits.gridBytes.' },
  );
}
