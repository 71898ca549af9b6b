import { z } from 'zod';
import { defineJob } from '../define-job';

const HOUR_MS = 3_600_000;

/** Trims the run history by age and count: all cycles of the last days, batches of the last cycles and of failed ones; alerts by age. */
export const pruneHistory = defineJob({
  name: 'prune-history',
  description: 'Deletes cycles, batches, lines of their logs and alerts that the history no longer keeps.',
  role: 'scheduler',
  payload: z.strictObject({}),
  schedules: () => [{ key: 'all', everyMs: HOUR_MS, payload: {} }],
  timeLimitMs: () => 5 * 60_000,
  async run({ context, log }) {
    const { config, history, alertStore, cycleLogs, clock } = context;
    const now = new Date(clock.now());
    const pruned = await history.prune(config.history, now);
    const gone = {
      ...pruned,
      lines: await cycleLogs.prune(config.history, now),
      alerts: await alertStore.prune(new Date(now.getTime() - config.history.keepAlertsMs)),
    };
    if (Object.values(gone).some((count) => count > 0)) log.info('history pruned', gone);
    return { outcome: 'done', summary: gone };
  },
});
