import type { JobContext } from '#jobs/context';
import { recordKept } from '#jobs/cycle/remember';
import { errorFacts } from '#shared/logger';
import { within } from '#shared/within';
import type { Watched } from './watchdog';

/** A PostgreSQL that hangs holds up neither what else is looked after nor the end of the daemon. */
const PATIENCE_MS = 2_000;

/** Writes cycles that could not be recorded when PostgreSQL is back, also when no other cycle comes. */
export class BacklogWatch implements Watched {
  readonly name = 'the run history';
  private readonly context: JobContext;

  constructor(context: JobContext) {
    this.context = context;
    context.metrics.showBacklog(() => context.backlog.size);
  }

  async look(): Promise<void> {
    const { backlog, errors } = this.context;
    const recorded = recordKept(this.context).catch((error: unknown) => {
      errors.report('cycles wait for PostgreSQL to be recorded', error, { cycles: backlog.size, ...errorFacts(error) });
    });
    await within(recorded, PATIENCE_MS);
  }

  /** At the end of a daemon, when no job runs any more: what it has kept goes with it. */
  async end(): Promise<void> {
    const { backlog, log } = this.context;
    if (backlog.size === 0) return;
    await this.look();
    const cycles = backlog.size;
    if (cycles > 0) log.warn('the run history will lack cycles: PostgreSQL is away, and the daemon ends', { cycles });
  }
}
