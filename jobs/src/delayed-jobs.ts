import type { Clock } from '#shared/clock';
import type { JobDefinition } from './define-job';
import type { Enqueuer } from './enqueue';

/** The pauses between the runs of a job add up to less. */
const LONGEST_MS = 10_000;
/** Looked at for each queue; more wait only where the next look finds them as well. */
const LOOKED_AT = 100;
/** What BullMQ calls the jobs of a schedule, which may rightly wait for long. */
const OF_SCHEDULE = /^repeat:/;

/**
 * Finds jobs that wait for a time of day too long. A job that is to be tried again in a second waits until then by the wall
 * clock: when that is set back by an hour, it would wait for an hour, and its cycle with it.
 */
export class DelayedJobs {
  private readonly clock: Clock;
  /** By queue and id: when it was first seen waiting. */
  private seen = new Map<string, number>();

  /** @param clock for durations: one that is not set back */
  constructor(clock: Clock) {
    this.clock = clock;
  }

  /** Lets those run that waited for longer than any job should, and returns their ids. */
  async release(definitions: readonly JobDefinition[], enqueue: Enqueuer): Promise<string[]> {
    const now = this.clock.now();
    const seen = new Map<string, number>();
    const released: string[] = [];
    for (const { name } of definitions) {
      const queue = enqueue.queue(name);
      const waiting = (await queue.getRanges(['delayed'], 0, LOOKED_AT - 1)).filter((id) => !OF_SCHEDULE.test(id));
      for (const id of waiting) {
        const since = this.seen.get(`${name}:${id}`) ?? now;
        if (now - since <= LONGEST_MS) seen.set(`${name}:${id}`, since);
        // Another daemon, or the clock, may have been quicker: then it waits no longer, and that was what was wanted.
        else if (await promoted(() => queue.getJob(id))) released.push(id);
      }
    }
    this.seen = seen;
    return released;
  }
}

async function promoted(find: () => Promise<{ promote(): Promise<void> } | undefined>): Promise<boolean> {
  const job = await find();
  return (
    (await job?.promote().then(
      () => true,
      () => false,
    )) ?? false
  );
}
