import { z } from 'zod';
import { EVENT_MAX_CATEGORIES } from '#shared/cache/events';
import type { Logger } from '#shared/logger';
import { rowFrame } from '#shared/model/spec';
import type { JobContext } from '../context';
import { type CycleRequest, startCycle } from '../cycle/start-cycle';
import { defineJob } from '../define-job';

const payload = z.strictObject({
  model: z.string().min(1).describe('Name of the model to warm.'),
  trigger: z
    .enum(['schedule', 'heal', 'command'])
    .describe('What asks for the cycle; a heal sees to missing rows only.'),
  categories: z
    .array(z.string())
    .max(EVENT_MAX_CATEGORIES)
    .optional()
    .describe('For a heal: rows that readers missed.'),
});

/** The tick: plans a cycle and adds its batches. Short by design; the work is elsewhere. */
export const warm = defineJob({
  name: 'warm',
  description: 'Plans one cycle of a model and fans it out in batches.',
  role: 'scheduler',
  payload,
  facts: ({ model }) => ({ model }),
  schedules: (config) =>
    config.models.map((model) => ({
      key: model.name,
      everyMs: model.everyMs,
      payload: { model: model.name, trigger: 'schedule' as const },
    })),
  // The next tick is the retry.
  retries: { attempts: 1, firstDelayMs: 0 },
  timeLimitMs: () => 60_000,
  async run({ payload: { model, trigger, categories }, context, log }) {
    const request = trigger === 'heal' ? await healRequest(context, model, categories ?? [], log) : { model, trigger };
    if (request === undefined) return { outcome: 'skipped', reason: 'no row is missing' };
    const start = await startCycle(context, request, log);
    return start.started ? { outcome: 'done', summary: start } : { outcome: 'skipped', reason: start.reason };
  },
});

/**
 * A cycle over the rows that the live generation lacks, or over everything when none is live. Rows that readers missed are
 * looked at whether they are there or not: one that is there may be corrupt.
 */
async function healRequest(
  context: JobContext,
  model: string,
  missed: readonly string[],
  log: Logger,
): Promise<CycleRequest | undefined> {
  const spec = await context.models.resolve(model);
  const { generation } = spec;
  const cache = context.cache(model);
  if ((await cache.pointer())?.generation !== generation) return { model, trigger: 'heal', mode: 'fill' };
  const configured = context.models.configured(model).categories;
  const known = new Set(configured);
  const faulty = await cache.faulty(
    generation,
    rowFrame(spec),
    missed.filter((category) => known.has(category)),
  );
  const wanted = new Set([...faulty, ...(await cache.missing(generation, configured))]);
  const categories = configured.filter((category) => wanted.has(category));
  if (categories.length === 0) return undefined;
  log.info('healing missing rows', { rows: categories.length });
  return { model, trigger: 'heal', mode: 'fill', categories };
}
