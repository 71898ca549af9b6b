import { setTimeout as delay } from 'node:timers/promises';
import type { JobContext } from '#jobs/context';
import type { Metadata } from '#shared/cache/pointer';
import { ForewarmError } from '#shared/errors';

const LOOK_EVERY_MS = 50;

/**
 * Waits until a cycle of the model has ended that is another one than `known`, and returns its metadata. Without `known` any
 * published cycle will do.
 * @throws ForewarmError FW_CHECK_FAILED after `limitMs`; the signal's reason when it is aborted
 */
export async function firstCycle(
  context: Pick<JobContext, 'cache' | 'history'>,
  model: string,
  known: string | undefined,
  limitMs: number,
  signal: AbortSignal,
): Promise<Metadata> {
  const began = performance.now();
  while (performance.now() - began < limitMs) {
    const metadata = await context.cache(model).metadata();
    if (metadata !== undefined && metadata.cycle !== known) return metadata;
    await delay(LOOK_EVERY_MS, undefined, { signal });
  }
  const [last] = await context.history.lastCycles({ model }, 1).catch(() => []);
  const why =
    last === undefined ? 'no cycle began' : `cycle ${last.id} is ${last.state}: ${last.reason ?? 'no reason'}`;
  throw new ForewarmError('FW_CHECK_FAILED', `no cycle of ${model} was published within ${limitMs / 1_000} s: ${why}`);
}
