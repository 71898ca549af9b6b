import { approximateBytes, formatBytes } from '#shared/config/bytes';
import { gridSize } from '#shared/config/sizes';
import type { Config } from '#shared/config/types';
import { ForewarmError } from '#shared/errors';
import type { ModelCatalogue } from '#shared/model/model-catalogue';
import type { ModelSpec } from '#shared/model/spec';

/**
 * Loads and tries every model of the configuration, so that a mistake is told before anything is written.
 * @throws ForewarmError the one problem, or FW_CONFIG_INVALID with all of them; each names the models that are fine
 */
export async function checkModels(config: Config, models: Pick<ModelCatalogue, 'names' | 'resolve'>): Promise<void> {
  const problems: ForewarmError[] = [];
  const fine: string[] = [];
  for (const name of models.names) {
    try {
      checkSize(config, await models.resolve(name));
      fine.push(name);
    } catch (error) {
      if (!(error instanceof ForewarmError)) throw error;
      problems.push(namingModel(name, error));
    }
  }
  const [first, ...more] = problems;
  if (first === undefined) return;
  const others = fine.length === 0 ? '' : `\n  these are fine: ${fine.join(', ')}`;
  if (more.length === 0) {
    const { code, message, details, next } = first;
    throw new ForewarmError(code, `${message}${others}`, { details, next, cause: first });
  }
  const lines = problems.map((problem) => `  ${problem.message}`).join('\n');
  throw new ForewarmError('FW_CONFIG_INVALID', `${problems.length} models cannot be used:\n${lines}${others}`);
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
function checkSize(config: Config, spec: ModelSpec): void {
  const categories = config.models.find((model) => model.name === spec.name)?.categories.length ?? 0;
  const { gridBytes } = gridSize({ axes: spec.axes, categories, outputs: spec.outputs.length });
  if (gridBytes <= config.limits.gridBytes) return;
  const most = formatBytes(config.limits.gridBytes);
  throw new ForewarmError(
    'FW_CONFIG_INVALID',
    `models.${spec.name}: its rows take ${approximateBytes(gridBytes)} with ${spec.outputs.length} values per cell; ` +
      `limits.gridBytes allows ${most}`,
    { next: 'Take fewer categories or axis values, or raise limits.gridBytes.' },
  );
}
