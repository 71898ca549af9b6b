import { ForewarmError } from '#shared/errors';
import type { ModelCatalogue } from '#shared/model/model-catalogue';

/**
 * Loads and tries every model of the configuration, so that a mistake is told before anything is written.
 * @throws ForewarmError the one problem, or FW_CONFIG_INVALID with all of them
 */
export async function checkModels(models: Pick<ModelCatalogue, 'names' | 'resolve'>): Promise<void> {
  const problems: ForewarmError[] = [];
  for (const name of models.names) {
    try {
      await models.resolve(name);
    } catch (error) {
      if (!(error instanceof ForewarmError)) throw error;
      problems.push(error);
    }
  }
  const [first, ...more] = problems;
  if (first === undefined) return;
  if (more.length === 0) throw first;
  const lines = problems.map((problem) => `  ${problem.message}`).join('\n');
  throw new ForewarmError('FW_CONFIG_INVALID', `${problems.length} models cannot be used:\n${lines}`);
}
