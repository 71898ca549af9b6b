import { setTimeout as delay } from 'node:timers/promises';
import { ForewarmError } from '#shared/errors';
import type { Predictor } from '#shared/predictor/predictor';
import type { TierName } from '#shared/tiers/tier-name';
import { eventually } from './system';

const PAUSE_MS = 2;

/**
 * Askers of the usual small model that go on while a test breaks something. What they are told is checked, and how long it took:
 * a wrong prediction is worse than none, and no call may hang.
 */
export class CheckedLoad {
  /** Predictions that are not what the model gives. */
  readonly wrong: string[] = [];
  /** Calls that got no prediction, by the code of their error. */
  readonly refused = new Map<string, number>();
  slowestMs = 0;
  private readonly reader: Predictor;
  private readonly categories: readonly string[];
  private readonly answers = new Map<TierName, number>();
  private asked = 0;
  private stopped = false;
  private readonly ended: Promise<unknown>;

  constructor(reader: Predictor, categories: readonly string[], askers = 4) {
    this.reader = reader;
    this.categories = categories;
    this.ended = Promise.all(Array.from({ length: askers }, () => this.run()));
  }

  /** Answers from a tier so far. */
  from(tier: TierName): number {
    return this.answers.get(tier) ?? 0;
  }

  /** Until so many more have come from a tier; how long that took. */
  async more(tier: TierName, count = 50): Promise<number> {
    const [began, before] = [performance.now(), this.from(tier)];
    await eventually(`${count} answers from ${tier}`, () => this.from(tier) >= before + count);
    return performance.now() - began;
  }

  /** Goes on for so long. */
  async goOn(ms: number): Promise<void> {
    const endMs = performance.now() + ms;
    const before = this.asked;
    await eventually('time to pass', () => performance.now() >= endMs && this.asked > before);
  }

  async stop(): Promise<void> {
    this.stopped = true;
    await this.ended;
  }

  private async run(): Promise<void> {
    while (!this.stopped) {
      const asked = this.asked++;
      const number = asked % this.categories.length;
      const category = this.categories[number] ?? '';
      const [day, hour] = [asked % 4, asked % 6];
      const began = performance.now();
      try {
        const { values, tier } = await this.reader.predict('m', category, { day, hour });
        this.answers.set(tier, this.from(tier) + 1);
        // The weights of `smallModel`.
        const right = 0.5 * day + 0.25 * hour + 10 * (number + 1);
        if (values.prediction !== right)
          this.wrong.push(`${category} ${day} ${hour}: ${values.prediction} from ${tier}`);
      } catch (error) {
        if (!(error instanceof ForewarmError)) throw error;
        this.refused.set(error.code, (this.refused.get(error.code) ?? 0) + 1);
      }
      this.slowestMs = Math.max(this.slowestMs, performance.now() - began);
      await delay(PAUSE_MS);
    }
  }
}
