import { setTimeout as delay } from 'node:timers/promises';
import type { JobContext } from '#jobs/context';
import { startOfCycle } from '#jobs/cycle/cycle-id';
import type { Metadata } from '#shared/cache/pointer';
import { ForewarmError } from '#shared/errors';

const LOOK_EVERY_MS = 50;

/**
 * Waits until a cycle of the model that began at `sinceMs` or later has ended, and returns its metadata. With `sinceMs` 0
 * any published cycle will do.
 * @throws ForewarmError FW_CHECK_FAILED after `limitMs`; the signal's reason when it is aborted
 */
export async function firstCycle(
  context: JobContext,
  model: string,
  sinceMs: number,
  limitMs: number,
  signal: AbortSignal,
): Promise<Metadata> {
  const began = performance.now();
  // Ids of cycles hold whole seconds.
  const since = Math.floor(sinceMs / 1_000) * 1_000;
  while (performance.now() - began < limitMs) {
    const metadata = await context.cache(model).metadata();
    if (metadata !== undefined && startOfCycle(metadata.cycle) >= since) return metadata;
    await delay(LOOK_EVERY_MS, undefined, { signal });
  }
  const [last] = await context.history.lastCycles({ model }, 1).catch(() => []);
  const why =
    last === undefined ? 'no cycle began' : `cycle ${last.id} is ${last.state}: ${last.reason ?? 'no reason'}`;
  throw new ForewarmError('FW_CHECK_FAILED', `no cycle of ${model} was published within ${limitMs / 1_000} s: ${why}`);
}
