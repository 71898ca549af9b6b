import { z } from 'zod';
import { ForewarmError } from '#shared/errors';
import { errorFacts, type Logger } from '#shared/logger';
import { type ModelSpec, rowFrame } from '#shared/model/spec';
import type { Trigger } from '#shared/store/history-store';
import type { JobContext } from '../context';
import { newCycleId } from '../cycle/cycle-id';
import { keepPin } from '../cycle/keep-pin';
import { allowed } from '../cycle/model-breaker';
import { triesOf } from '../cycle/model-tries';
import { refreshSources } from '../cycle/refresh-sources';
import { requireModel } from '../cycle/require-model';
import { type CycleRequest, failedStart, startCycle } from '../cycle/start-cycle';
import { defineJob, type Outcome } from '../define-job';
import { chooseCategories, isOnDemand, ON_DEMAND, type WarmRequest, warmRequest } from '../on-demand';

/** For a heal, `categories` are the rows that readers missed; all that are missing come with them unless `only` these are meant. */
const payload = warmRequest.extend({
  trigger: z
    .enum(['schedule', 'heal', ...ON_DEMAND])
    .describe('What asks for the cycle; a heal sees to missing rows only.'),
  only: z.boolean().optional().describe('Of a heal: the given categories alone, and no others that are missing.'),
});

/** A request that finds a cycle running looks again after this time. */
const AGAIN_MS = 250;

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
  async run({ payload: asked, context, log }) {
    const { model, trigger, categories = [], only = false } = asked;
    requireModel(context, model);
    if (trigger === 'schedule' && (await context.paused.since(model))) return { outcome: 'skipped', reason: 'paused' };
    const may = allowed(await triesOf(context, model, log), trigger, context.clock.now());
    if (may === 'wait') return { outcome: 'skipped', reason: 'the model is broken' };
    const cycle = newCycleId(context.clock.now());
    const shortOf = await refreshSources(context, model, log.with({ cycle }));
    const spec = await load(context, model, trigger, log);
    if (spec === undefined) return loading(trigger);
    const pinned = await keepPin(context, spec, log);
    if (pinned !== undefined) return whilePinned(model, pinned, trigger);
    const request =
      trigger === 'heal'
        ? await healRequest(context, spec, { categories, only }, log)
        : requestOf(context, asked, trigger);
    if (request === undefined) return { outcome: 'skipped', reason: 'no row is missing' };
    const probe = may === 'probe' && trigger === 'schedule' && { probe: true as const };
    const start = await startCycle(context, { ...request, cycle, ...probe, ...(shortOf !== null && { shortOf }) }, log);
    if (start.started) return { outcome: 'done', summary: start };
    if (start.again) return { outcome: 'later', afterMs: AGAIN_MS, reason: start.reason };
    return { outcome: 'skipped', reason: start.reason };
  },
});

/** What the model's file is; `undefined` when that takes longer than a tick may: the schedule asks again when it is known. */
async function load(context: JobContext, model: string, trigger: Trigger, log: Logger): Promise<ModelSpec | undefined> {
  const failed = (error: unknown): Promise<void> => failedStart(context, { model, trigger }, error, log);
  const onLate = (spec: Promise<ModelSpec>): Promise<void> =>
    spec
      .then(
        async () => {
          // Who asked asks again by itself; the schedule does only at its next tick.
          if (trigger === 'schedule') await context.enqueue.add('warm', { model, trigger }, LOADED(model));
        },
        (error: unknown) => failed(error),
      )
      // A daemon that stops, or a queue that is away: the next tick will see.
      .catch((error: unknown) => log.debug('nobody was told that the model was loaded', errorFacts(error)));
  try {
    return await context.loads.soon(model, onLate);
  } catch (error) {
    await failed(error);
    throw error;
  }
}

const LOADED = (model: string) => ({ key: `loaded-${model}`, ifRunning: 'share' }) as const;

/** @throws ForewarmError FW_MODEL_PINNED to whoever asked for the cycle */
function whilePinned(model: string, pinned: string, trigger: Trigger): Outcome {
  if (!isOnDemand(trigger)) return { outcome: 'skipped', reason: `the model is pinned to ${pinned}` };
  throw new ForewarmError(
    'FW_MODEL_PINNED',
    `${model} is pinned to generation ${pinned}, which the model file does not give`,
  );
}

function loading(trigger: Trigger): Outcome {
  const reason = 'the model file is still being loaded and tried';
  return trigger === 'schedule' ? { outcome: 'skipped', reason } : { outcome: 'later', afterMs: AGAIN_MS, reason };
}

function requestOf(context: JobContext, asked: WarmRequest, trigger: Trigger): CycleRequest {
  const { model, force, publishAnyway } = asked;
  const categories = chooseCategories(model, context.models.configured(model), asked.categories ?? []);
  return {
    model,
    trigger,
    ...(categories && { categories }),
    ...(force && { mode: 'compute' }),
    ...(publishAnyway && { anyway: true }),
  };
}

/**
 * A cycle over the rows that the live generation lacks, or over everything when none is live. Rows that readers missed are
 * looked at whether they are there or not: one that is there may be corrupt.
 */
async function healRequest(
  context: JobContext,
  spec: ModelSpec,
  { categories: missed, only }: { readonly categories: readonly string[]; readonly only: boolean },
  log: Logger,
): Promise<CycleRequest | undefined> {
  const { name: model, generation } = spec;
  const cache = context.cache(model);
  if ((await cache.pointer())?.generation !== generation) return { model, trigger: 'heal', mode: 'fill' };
  const configured = context.models.configured(model).categories;
  const known = new Set(configured);
  const faulty = await cache.faulty(
    generation,
    rowFrame(spec),
    missed.filter((category) => known.has(category)),
  );
  const wanted = new Set([...faulty, ...(only ? [] : await cache.missing(generation, configured))]);
  const categories = configured.filter((category) => wanted.has(category));
  if (categories.length === 0) return undefined;
  log.info('healing missing rows', { rows: categories.length });
  return { model, trigger: 'heal', mode: 'fill', categories };
}
