import type { JobContext } from '#jobs/context';
import type { Observation } from '#shared/alerts/judge';
import { steadyClock } from '#shared/clock';
import type { ReaderStats } from '#shared/predictor/reader-stats';
import { above, type Observer, observation, percent } from './observer';

/** Reads are judged by those of so long. */
const WINDOW_MS = 60_000;
/** Of fewer reads a share says nothing. */
const FEWEST = 20;

/** Answers so far, by where they came from. */
interface Answers {
  readonly above: number;
  readonly below: number;
}

interface Sample {
  readonly atMs: number;
  readonly byModel: ReadonlyMap<string, Answers>;
}

/** Tiers below Redis. */
const LOWER = ['postgres', 'model'];

/** Which tiers answer: of this daemon's API, and of applications that report their reads. */
export class ReadsObserver implements Observer {
  readonly name = 'the reads';
  private readonly context: JobContext;
  private readonly stats: (() => ReaderStats) | undefined;
  private samples: Sample[] = [];

  /** @param stats of the reader of the API; `undefined` without the role */
  constructor(context: JobContext, stats: (() => ReaderStats) | undefined) {
    this.context = context;
    this.stats = stats;
  }

  async observe(): Promise<readonly Observation[]> {
    const atMs = steadyClock.now();
    const { models } = this.context;
    const counts = await Promise.all(models.names.map(async (name) => [name, await this.answers(name)] as const));
    const now: Sample = { atMs, byModel: new Map(counts) };
    this.samples = [...this.samples.filter((sample) => atMs - sample.atMs <= WINDOW_MS), now];
    const [oldest = now] = this.samples;
    return models.names.flatMap((model) => this.judge(model, oldest, now));
  }

  private judge(model: string, oldest: Sample, now: Sample): readonly Observation[] {
    const [was, is] = [oldest.byModel.get(model) ?? NONE, now.byModel.get(model) ?? NONE];
    // Less than before: they are counted in the cache Redis, which began anew.
    const fell = Math.max(0, is.below - was.below);
    const reads = fell + Math.max(0, is.above - was.above);
    const { fallThrough } = this.context.config.alerts;
    const share = reads < FEWEST ? 0 : fell / reads;
    return [
      observation({
        condition: 'reads-fall-through',
        model,
        level: above(share, fallThrough),
        message: `${percent(share)} of ${reads} reads of ${model} in the last minute were answered by Postgres or the model, more than ${percent(fallThrough)}`,
        facts: { reads, below: fell, share, bound: fallThrough },
      }),
    ];
  }

  private async answers(model: string): Promise<Answers> {
    const reported = await this.context.cache(model).reads();
    const own = this.stats?.().models[model] ?? {};
    let [above, below] = [0, 0];
    const add = (tier: string, hits: number): void => {
      if (LOWER.includes(tier)) below += hits;
      else above += hits;
    };
    for (const [field, count] of reported) {
      const [tier = '', outcome] = field.split(':');
      if (outcome === 'hit') add(tier, count);
    }
    for (const [tier, { hit }] of Object.entries(own)) add(tier, hit);
    return { above, below };
  }
}

const NONE: Answers = { above: 0, below: 0 };
