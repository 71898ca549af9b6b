import { Counter } from 'prom-client';
import type { JobContext } from '#jobs/context';
import type { Watched } from './watchdog';

type Labels = 'model' | 'tier' | 'outcome';

/** Shows what applications have read by the library, as far as they report it. */
export class ReadsWatch implements Watched {
  readonly name = 'the reads of applications';
  private readonly context: JobContext;
  private readonly reads: Counter<Labels>;

  constructor(context: JobContext) {
    this.context = context;
    this.reads = new Counter({
      name: 'forewarm_library_reads_total',
      help: 'Reads of applications that report them, by model, tier and outcome. Counted in the cache Redis, and lost with it.',
      labelNames: ['model', 'tier', 'outcome'],
      registers: [context.metrics.registry],
    });
  }

  async look(): Promise<void> {
    const { models, cache } = this.context;
    const counts = await Promise.all(models.names.map(async (model) => [model, await cache(model).reads()] as const));
    this.reads.reset();
    for (const [model, fields] of counts) {
      for (const [field, count] of fields) {
        const [tier = '', outcome = ''] = field.split(':');
        this.reads.inc({ model, tier, outcome }, count);
      }
    }
  }
}
