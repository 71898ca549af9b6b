import { ForewarmError } from '#shared/errors';
import { errorFacts, type Logger } from '#shared/logger';
import type { JobContext } from '../context';

/** The alert of a list of categories that is not used. */
export const SOURCE_FAILED = 'categories-refused';

/**
 * Brings the categories of a model up to date with their source, and tells where that cannot be.
 * @returns why those of before are used on; `null` where that is not so
 * @throws ForewarmError FW_REDIS_UNAVAILABLE
 */
export async function refreshCategories(context: JobContext, model: string, log: Logger): Promise<string | null> {
  const { sources, alerts, host, errors } = context;
  const { problem, changed, first } = await sources.refresh(model, context.cache(model));
  const { categories, categorySource } = context.models.configured(model);
  if (changed !== undefined) log.info('categories changed', { ...changed, categories: categories.length });
  const now = new Date(context.clock.now());
  const recorded = (error: unknown): void => {
    errors.report('the alert of the categories could not be recorded', error, errorFacts(error), { log });
  };
  if (problem === null) {
    if (first || changed !== undefined) await alerts.resolve([SOURCE_FAILED], model, now).catch(recorded);
    return null;
  }
  const facts = { source: categorySource, categories: categories.length };
  const error = new ForewarmError('FW_CATEGORIES_REFUSED', problem);
  const where = 'the categories of before are used on';
  errors.report(where, error, { ...facts, next: error.next }, { level: 'error', apart: model, log });
  const message = `${problem}: the ${categories.length} categories of before are used on`;
  await alerts.fire({ condition: SOURCE_FAILED, model, message, facts }, host, now).catch(recorded);
  return `categories: ${problem}`;
}

/** The alert of features that cannot be read. */
export const FEATURES_FAILED = 'features-refused';

/**
 * Reads the features of a model again, and tells where that cannot be.
 * @returns why those of before are used on; `null` where that is not so
 */
async function refreshFeatures(context: JobContext, model: string, log: Logger): Promise<string | null> {
  const { features, alerts, host, errors, metrics } = context;
  const look = await features.refresh(model);
  if (look === undefined) return null;
  const { problem, recovered, newestMs, categories } = look;
  if (newestMs !== null) metrics.dataTime.set({ model }, newestMs / 1_000);
  const now = new Date(context.clock.now());
  const recorded = (error: unknown): void => {
    errors.report('the alert of the features could not be recorded', error, errorFacts(error), { log });
  };
  if (problem === null) {
    if (recovered) await alerts.resolve([FEATURES_FAILED], model, now).catch(recorded);
    return null;
  }
  const facts = { source: features.sourceOf(model) ?? null, categories };
  const error = new ForewarmError('FW_FEATURES_REFUSED', problem);
  const instead = categories === 0 ? 'there are none of before' : 'those of before are used on';
  errors.report(`features: ${instead}`, error, { ...facts, next: error.next }, { level: 'error', apart: model, log });
  await alerts
    .fire({ condition: FEATURES_FAILED, model, message: `${problem}: ${instead}`, facts }, host, now)
    .catch(recorded);
  return `features: ${problem}`;
}

/**
 * Brings all that a cycle of a model is made of, beside its file, up to date.
 * @returns why something of before is used on; `null` where nothing is
 * @throws ForewarmError FW_REDIS_UNAVAILABLE
 */
export async function refreshSources(context: JobContext, model: string, log: Logger): Promise<string | null> {
  const reasons = [await refreshCategories(context, model, log), await refreshFeatures(context, model, log)];
  return reasons.filter((reason) => reason !== null).join('; ') || null;
}
