import type { JobContext } from '#jobs/context';
import { recordKept } from '#jobs/cycle/remember';
import { errorFacts } from '#shared/logger';
import type { Watched } from './watchdog';

/** Writes cycles that could not be recorded when PostgreSQL is back, also when no other cycle comes. */
export class BacklogWatch implements Watched {
  readonly name = 'the run history';
  private readonly context: JobContext;

  constructor(context: JobContext) {
    this.context = context;
    const help = 'Cycles that wait to be recorded in the run history.';
    context.metrics.observe('forewarm_history_backlog', help, () => context.backlog.size);
  }

  async look(): Promise<void> {
    const { backlog, errors } = this.context;
    await recordKept(this.context).catch((error: unknown) => {
      errors.report('cycles wait for PostgreSQL to be recorded', error, { cycles: backlog.size, ...errorFacts(error) });
    });
  }
}
