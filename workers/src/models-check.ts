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
      problems.push(error);
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
