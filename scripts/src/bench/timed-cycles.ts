import { Redis } from 'ioredis';
import { Enqueuer } from '#jobs/enqueue';
import { requestWarm } from '#jobs/on-demand';
import { registry } from '#jobs/registry';
import { KeySpace } from '#shared/cache/keys';
import type { BenchDaemon, EndedCycle } from './bench-daemon';
import { MODEL } from './deployment';

export interface TimedCycle extends EndedCycle {
  /** Id of the `warm` job that planned it. */
  readonly job: string;
  /** From asking for the cycle until readers had its last row; `undefined` when it wrote none. */
  readonly rowsSeconds: number | undefined;
  /** From asking for it until its end: published, and its rows in PostgreSQL. */
  readonly seconds: number;
}

/** Asks for cycles through the queue, as anybody would, and times them from outside. */
export class TimedCycles {
  private readonly connections: readonly Redis[];
  private readonly enqueue: Enqueuer;
  private rowsAtMs: number | undefined;

  private constructor(connections: readonly Redis[], enqueue: Enqueuer) {
    this.connections = connections;
    this.enqueue = enqueue;
  }

  static async open(redisUrl: string): Promise<TimedCycles> {
    const queue = new Redis(redisUrl, { maxRetriesPerRequest: null });
    const subscriber = new Redis(redisUrl);
    const enqueue = new Enqueuer(registry.definitions, queue, 'forewarm', () => undefined);
    const cycles = new TimedCycles([queue, subscriber], enqueue);
    subscriber.on('message', (_channel: string, message: string) => {
      // The first characters tell: what is measured shares the machine.
      if (message.startsWith('{"type":"rows"')) cycles.rowsAtMs = performance.now();
    });
    await subscriber.subscribe(new KeySpace('forewarm', MODEL).events);
    return cycles;
  }

  /** One cycle over all categories, from the asking to its end. With `force` every row is computed. */
  async run(daemon: BenchDaemon, { force = true } = {}): Promise<TimedCycle> {
    this.rowsAtMs = undefined;
    const ended = daemon.cycle();
    const began = performance.now();
    const job = await requestWarm(this.enqueue, { categories: [] }, { model: MODEL, force }, 'command');
    const cycle = await ended;
    if (cycle.state !== 'complete') throw new Error(`cycle ${cycle.id} is ${cycle.state}`);
    const rowsSeconds = this.rowsAtMs === undefined ? undefined : (this.rowsAtMs - began) / 1_000;
    return { ...cycle, job, rowsSeconds, seconds: (cycle.atMs - began) / 1_000 };
  }

  /** Seconds that the planning of a cycle took. */
  async tickSeconds({ job }: TimedCycle): Promise<number> {
    const { processedOn = 0, finishedOn = 0 } = (await this.enqueue.queue('warm').getJob(job)) ?? {};
    return (finishedOn - processedOn) / 1_000;
  }

  async close(): Promise<void> {
    await this.enqueue.close();
    for (const connection of this.connections) connection.disconnect();
  }
}
