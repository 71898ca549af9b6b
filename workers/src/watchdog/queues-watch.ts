import type { JobContext } from '#jobs/context';
import { depthsOf } from '#jobs/queue-state';
import type { Registry } from '#jobs/registry';
import { asking } from '#shared/connections/redis';
import type { Watched } from './watchdog';

/** Shows how many jobs each queue has, by what they are doing. */
export class QueuesWatch implements Watched {
  readonly name = 'the queues';
  private readonly registry: Registry;
  private readonly context: JobContext;

  constructor(registry: Registry, context: JobContext) {
    this.registry = registry;
    this.context = context;
  }

  /** @throws ForewarmError FW_REDIS_UNAVAILABLE */
  async look(): Promise<void> {
    const { enqueue, metrics } = this.context;
    const names = this.registry.definitions.map(({ name }) => name);
    const depths = Promise.all(names.map((name) => depthsOf(enqueue.queue(name))));
    for (const [i, depth] of (await asking('counting jobs', depths)).entries()) {
      const queue = names[i] ?? '';
      for (const [state, jobs] of Object.entries(depth)) metrics.queueJobs.set({ queue, state: snake(state) }, jobs);
    }
  }
}

/** `waitingChildren` is `waiting_children`, as labels are written. */
function snake(state: string): string {
  return state.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}
