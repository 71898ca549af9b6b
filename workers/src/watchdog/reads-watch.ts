import type { JobContext } from '#jobs/context';
import type { Watched } from './watchdog';

/** Shows what applications have read by the library, as far as they report it. */
export class ReadsWatch implements Watched {
  readonly name = 'the reads of applications';
  private readonly context: JobContext;

  constructor(context: JobContext) {
    this.context = context;
  }

  async look(): Promise<void> {
    const { models, cache, metrics } = this.context;
    const counts = await Promise.all(models.names.map(async (model) => [model, await cache(model).reads()] as const));
    metrics.libraryReads.reset();
    for (const [model, fields] of counts) {
      for (const [field, count] of fields) {
        const [tier = '', outcome = ''] = field.split(':');
        metrics.libraryReads.inc({ model, tier, outcome }, count);
      }
    }
  }
}
