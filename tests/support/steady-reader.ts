import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import Redis from 'ioredis';
import { ForewarmError } from '#shared/errors';
import type { Answer } from '#shared/predictor/answers';
import { Predictor } from '#shared/predictor/predictor';

const PAUSE_MS = 2;
/** What it watches is what the cache has, not how quick it is on a busy machine. */
const PATIENCE_MS = 2_000;

/**
 * An application that asks for one category of the small model after the other, without an end, while a test breaks something.
 * What it is told is checked: a wrong prediction is worse than none.
 */
export class SteadyReader {
  answers = 0;
  /** Predictions that are not what the model gives. */
  readonly wrong: string[] = [];
  /** Times that it got no prediction, by the code of the error and its message with the category left out. */
  readonly refused = new Map<string, number>();
  /** The largest age of a prediction, in milliseconds. */
  oldestMs = 0;
  private readonly client: Redis;
  private readonly reader: Predictor;
  private readonly categories: readonly string[];
  private readonly model: string;
  private stopped = false;
  private readonly ended: Promise<void>;

  private constructor(client: Redis, categories: readonly string[], model: string) {
    this.client = client;
    this.reader = new Predictor({ redis: client, memory: false, limitsMs: { redis: PATIENCE_MS } });
    this.categories = categories;
    this.model = model;
    this.ended = this.run();
  }

  /** `stop` it. */
  static async start(url: string, categories: readonly string[], model = 'm'): Promise<SteadyReader> {
    const client = new Redis(url, { maxRetriesPerRequest: 0, enableOfflineQueue: false, retryStrategy: () => 50 });
    client.on('error', () => undefined);
    await once(client, 'ready');
    return new SteadyReader(client, categories, model);
  }

  /** Once and for all: a client that is told again to disconnect keeps the process for two seconds. */
  async stop(): Promise<void> {
    if (this.stopped) return this.ended;
    this.stopped = true;
    await this.ended;
    await this.reader.close();
    this.client.disconnect();
  }

  private async run(): Promise<void> {
    for (let asked = 0; !this.stopped; asked++) {
      const number = asked % this.categories.length;
      const category = this.categories[number] ?? '';
      const [day, hour] = [asked % 4, asked % 6];
      try {
        this.check(category, await this.reader.predict(this.model, category, { day, hour }), number, day, hour);
      } catch (error) {
        if (!(error instanceof ForewarmError)) throw error;
        const what = `${error.code}: ${error.message.replace(JSON.stringify(category), 'it')}`;
        this.refused.set(what, (this.refused.get(what) ?? 0) + 1);
      }
      await delay(PAUSE_MS);
    }
  }

  /** Against the weights of `smallModel`. */
  private check(category: string, { values, ageMs }: Answer, number: number, day: number, hour: number): void {
    const expected = 0.5 * day + 0.25 * hour + 10 * (number + 1);
    if (values.prediction === expected) this.answers++;
    else this.wrong.push(`${category} day=${day} hour=${hour}: ${values.prediction} instead of ${expected}`);
    this.oldestMs = Math.max(this.oldestMs, ageMs);
  }
}
