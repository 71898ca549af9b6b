import { BrokenModels } from '#jobs/cycle/broken-models';
import { PausedModels } from '#jobs/cycle/paused-models';
import { RunningCycles } from '#jobs/cycle/running-cycles';
import { Enqueuer } from '#jobs/enqueue';
import { registry } from '#jobs/registry';
import type { Config } from '#shared/config/types';
import { withRedis } from './with-redis';

/** What a command needs to drive the loop from outside; a daemon on any machine does the work. */
export interface QueueAccess {
  readonly enqueue: Enqueuer;
  readonly cycles: RunningCycles;
  readonly paused: PausedModels;
  readonly broken: BrokenModels;
}

/**
 * Does some work on the queues of a deployment and lets them go.
 * @throws ForewarmError FW_REDIS_UNAVAILABLE within two seconds when their Redis is away
 */
export async function withQueue<T>(config: Config, work: (access: QueueAccess) => Promise<T>): Promise<T> {
  return withRedis(config.redis.queueUrl, async (redis) => {
    const enqueue = new Enqueuer(registry.definitions, redis, config.keyPrefix, () => undefined);
    const cycles = new RunningCycles(redis, config.keyPrefix);
    const paused = new PausedModels(redis, config.keyPrefix);
    const broken = new BrokenModels(redis, config.keyPrefix);
    try {
      return await work({ enqueue, cycles, paused, broken });
    } finally {
      await enqueue.close();
    }
  });
}
