import { asForewarmError } from '#shared/errors';
import type { Enqueuer } from '../enqueue';
import { startOfCycle } from './cycle-id';
import { cyclePayload } from './payloads';
import type { RunningCycles } from './running-cycles';

/** A model and the cycle that holds it. */
export interface HeldModel {
  readonly model: string;
  readonly cycle: string;
  readonly startedAt: Date;
  /** Batches that are still to end, of all; `null` while the cycle's jobs are not in the queue. */
  readonly batches: { readonly left: number; readonly all: number } | null;
  /** Its jobs are gone, so it will not end: the next cycle of the model takes its place. */
  readonly lost: boolean;
}

/**
 * Which cycle of a model runs, and how far it has come; `undefined` when none does.
 * @throws ForewarmError FW_REDIS_UNAVAILABLE
 */
export async function heldModel(
  cycles: RunningCycles,
  enqueue: Enqueuer,
  model: string,
): Promise<HeldModel | undefined> {
  const cycle = await cycles.holder(model);
  if (cycle === undefined) return undefined;
  const batches = await batchesOf(enqueue, cycle);
  const holds = (await cycles.isAdding(model)) || (await enqueue.isPending('publish', cycle));
  // It may have ended while we looked.
  if (!holds && (await cycles.holder(model)) !== cycle) return undefined;
  return { model, cycle, startedAt: new Date(startOfCycle(cycle)), batches, lost: !holds };
}

async function batchesOf(enqueue: Enqueuer, cycle: string): Promise<HeldModel['batches']> {
  try {
    const job = await enqueue.queue('publish').getJob(cycle);
    if (job === undefined) return null;
    const { unprocessed = 0 } = await job.getDependenciesCount({ unprocessed: true });
    return { left: unprocessed, all: cyclePayload.parse(job.data).batchSizes.length };
  } catch (error) {
    throw asForewarmError(error, 'FW_REDIS_UNAVAILABLE', `reading cycle ${cycle}`);
  }
}
