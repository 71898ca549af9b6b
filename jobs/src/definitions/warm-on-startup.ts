import { z } from 'zod';
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
    const generation = (await context.models.resolve(model).catch(() => undefined))?.generation;
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
    const subset = categories === undefined ? {} : { categories };
    const start = await startCycle(context, { model, trigger: 'startup', mode: 'fill', ...subset }, log);
    return start.started ? { outcome: 'done', summary: start } : { outcome: 'skipped', reason: start.reason };
  },
});
