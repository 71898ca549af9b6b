import { createHash } from 'node:crypto';
import { z } from 'zod';
import { ForewarmError } from '#shared/errors';
import type { CataloguedModel } from '#shared/model/model-catalogue';
import type { Trigger } from '#shared/store/history-store';
import type { Enqueuer } from './enqueue';

/** Triggers of cycles that somebody asked for; they wait for a running cycle instead of being skipped. */
export const ON_DEMAND = ['command', 'dashboard', 'retry', 'api'] as const satisfies readonly Trigger[];
export type OnDemandTrigger = (typeof ON_DEMAND)[number];

/** More than any message needs; a bound on what one job may carry. */
const MAX_CATEGORIES = 100_000;

/** What somebody may ask of a cycle. */
export const warmRequest = z.strictObject({
  model: z.string().min(1).describe('Name of the model to warm.'),
  categories: z
    .array(z.string().min(1))
    .max(MAX_CATEGORIES)
    .optional()
    .describe('Warm only these categories; all of the model when empty.'),
  force: z
    .boolean()
    .optional()
    .describe('Compute every row anew, also one of which a valid copy could be kept or restored.'),
  publishAnyway: z.boolean().optional().describe('Publish a new generation also when a gate refuses it.'),
});
export type WarmRequest = z.infer<typeof warmRequest>;

type Configured = Pick<CataloguedModel, 'categories'>;

/**
 * Asks for one cycle beside the schedule and returns the id of its `warm` job. A request that asks the same and still waits
 * is enough, and its id is returned.
 * @throws ForewarmError FW_CATEGORY_UNKNOWN, FW_JOB_PAYLOAD, FW_REDIS_UNAVAILABLE
 */
export async function requestWarm(
  enqueue: Enqueuer,
  configured: Configured,
  { model, categories = [], force = false, publishAnyway = false }: WarmRequest,
  trigger: OnDemandTrigger,
): Promise<string> {
  const chosen = chooseCategories(model, configured, categories);
  const payload = {
    model,
    trigger,
    ...(chosen === undefined ? {} : { categories: chosen }),
    ...(force ? { force } : {}),
    ...(publishAnyway ? { publishAnyway } : {}),
  };
  const what = createHash('sha256')
    .update(JSON.stringify([chosen, force, ...(publishAnyway ? [publishAnyway] : [])]))
    .digest('hex')
    .slice(0, 16);
  return enqueue.add('warm', payload, { key: `demand-${model}-${what}`, ifRunning: 'share' });
}

/**
 * The categories that are meant, once each and in the model's order; `undefined` for all of them.
 * @throws ForewarmError FW_CATEGORY_UNKNOWN naming what the model does not have
 */
export function chooseCategories(
  model: string,
  configured: Configured,
  wanted: readonly string[],
): string[] | undefined {
  if (wanted.length === 0) return undefined;
  const set = new Set(wanted);
  const chosen = configured.categories.filter((category) => set.delete(category));
  const [unknown] = set;
  if (unknown === undefined) return chosen;
  const others = set.size === 1 ? '' : ` and ${set.size - 1} more`;
  const names = `${JSON.stringify(unknown)}${others}`;
  throw new ForewarmError('FW_CATEGORY_UNKNOWN', `model ${model} has no category ${names}`);
}

export function isOnDemand(trigger: Trigger): trigger is OnDemandTrigger {
  return (ON_DEMAND as readonly Trigger[]).includes(trigger);
}
