import { z } from 'zod';
import { defineJob } from '../define-job';

const HOUR_MS = 3_600_000;

/** Trims the run history by age and count: all cycles of the last days, batches of the last cycles and of failed ones. */
export const pruneHistory = defineJob({
  name: 'prune-history',
  description: 'Deletes cycles and batches that the history no longer keeps.',
  role: 'scheduler',
  payload: z.strictObject({}),
  schedules: () => [{ key: 'all', everyMs: HOUR_MS, payload: {} }],
  timeLimitMs: () => 5 * 60_000,
  async run({ context, log }) {
    const gone = await context.history.prune(context.config.history, new Date(context.clock.now()));
    if (gone.cycles + gone.batches > 0) log.info('history pruned', gone);
    return { outcome: 'done', summary: gone };
  },
});
