import { z } from 'zod';
import { asForewarmError, ForewarmError } from '#shared/errors';
import { keepPin } from '../cycle/keep-pin';
import { refreshSources } from '../cycle/refresh-sources';
import { startCold } from '../cycle/start-cold';
import { startCycle } from '../cycle/start-cycle';
import { defineJob } from '../define-job';

const payload = z.strictObject({ model: z.string().min(1).describe('Name of the model to look after.') });

/**
 * At the start of a daemon: when the cache has no live generation of the configured model, or lacks rows, a cycle restores
 * from Postgres what still matches and computes the rest.
 */
export const warmOnStartup = defineJob({
  name: 'warm-on-startup',
  description: 'Restores or computes what the cache lacks when a daemon starts.',
  role: 'scheduler',
  payload,
  facts: ({ model }) => ({ model }),
  async run({ payload: { model }, context, log }) {
    const cache = context.cache(model);
    // A file that cannot be loaded any more is the business of the cycle, which records it.
    const spec = await context.models.resolve(model).catch((error: unknown) => asForewarmError(error));
    const shortOf = await refreshSources(context, model, log);
    const { startFrom } = context.models.configured(model);
    if (spec instanceof ForewarmError) {
      const isCold = spec.code === 'FW_MODEL_FILE_MISSING' && startFrom.includes('backup');
      if (isCold && (await cache.pointer()) !== undefined) return { outcome: 'skipped', reason: spec.message };
      const from = isCold ? await startCold(context, model, log) : undefined;
      if (from !== undefined) return { outcome: 'done', summary: { from } };
    } else {
      const pinned = await keepPin(context, spec, log);
      if (pinned !== undefined) return { outcome: 'skipped', reason: `the model is pinned to ${pinned}` };
    }
    const generation = spec instanceof ForewarmError ? undefined : spec.generation;
    const pointer = await cache.pointer();
    const live = generation !== undefined && pointer?.generation === generation;
    const categories = live ? await cache.missing(generation, context.models.configured(model).categories) : undefined;
    if (categories?.length === 0) return { outcome: 'skipped', reason: 'every row is in the cache' };
    const other =
      pointer === undefined
        ? 'nothing is live for this model'
        : `generation ${pointer.generation} is live, not ${generation}`;
    const why = categories === undefined ? other : `${categories.length} rows are missing`;
    log.info('warming on startup', { why });
    const subset = { ...(categories !== undefined && { categories }), ...(shortOf !== null && { shortOf }) };
    const start = await startCycle(
      context,
      { model, trigger: 'startup', mode: startFrom.includes('postgres') ? 'fill' : 'compute', ...subset },
      log,
    );
    return start.started ? { outcome: 'done', summary: start } : { outcome: 'skipped', reason: start.reason };
  },
});
