import type { JobContext } from '#jobs/context';
import { within } from '#shared/within';
import type { Watched } from './watchdog';

/** A PostgreSQL that hangs does not hold up what else is looked after. */
const PATIENCE_MS = 2_000;

/** Shows what PostgreSQL has on record of backups. While it is away, what it had last. */
export class RecordsWatch implements Watched {
  readonly name = 'the backups';
  private readonly context: JobContext;
  /** One that hangs is waited for by the next look, which asks no second time. */
  private reading: Promise<void> | undefined;

  constructor(context: JobContext) {
    this.context = context;
  }

  async look(): Promise<void> {
    this.reading ??= this.read().finally(() => {
      this.reading = undefined;
    });
    await within(this.reading, PATIENCE_MS);
  }

  private async read(): Promise<void> {
    const { backups, metrics } = this.context;
    try {
      metrics.newestBackups(await backups.store.newest());
    } catch {
      // That it is away is told by whoever has something to write.
    }
  }
}
