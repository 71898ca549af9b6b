import type { JobContext } from '#jobs/context';
import { timesOf } from '#jobs/definitions/backup';
import type { Observation } from '#shared/alerts/judge';
import { longestPeriodMs } from '#shared/cron-times';
import { formatElapsed } from '../../elapsed';
import { above, type Observer, observation } from './observer';

/** With `alerts.backupAge: auto`: what a backup may take beyond its period. */
const LATE_MS = 2 * 3_600_000;

/** How old the newest good backup of each model is. */
export class BackupObserver implements Observer {
  readonly name = 'the backups';
  private readonly context: JobContext;

  constructor(context: JobContext) {
    this.context = context;
  }

  async observe(): Promise<readonly Observation[]> {
    const { backups, config, clock, models } = this.context;
    const boundMs = this.boundMs(clock.now());
    if (boundMs === undefined) return [];
    const [newest, firsts] = await Promise.all([backups.store.newest(), this.context.generations.firstPublished()]);
    return models.names.flatMap((model) => {
      const backup = newest.find((candidate) => candidate.model === model);
      // Without any, one could have been taken since there is something to back up.
      const since = backup?.startedAt ?? firsts.get(model);
      if (since === undefined) return [];
      const ageMs = clock.now() - since.getTime();
      const age = formatElapsed(ageMs);
      const bound = `more than ${formatElapsed(boundMs)}`;
      return [
        observation({
          condition: 'backup-old',
          model,
          level: above(ageMs, boundMs),
          message:
            backup === undefined
              ? `${model} has been published for ${age}, ${bound}, and has no complete and verified backup`
              : `the newest complete and verified backup of ${model} is ${age} old, ${bound}`,
          facts: { newest: backup?.startedAt.toISOString() ?? null, ageMs, boundMs, schedule: config.backup.schedule },
        }),
      ];
    });
  }

  /** `undefined` where nobody wants backups. */
  private boundMs(nowMs: number): number | undefined {
    const { backupAgeMs } = this.context.config.alerts;
    if (backupAgeMs !== 'auto') return backupAgeMs;
    const times = timesOf(this.context.config);
    return times === undefined ? undefined : longestPeriodMs(times, nowMs) + LATE_MS;
  }
}
