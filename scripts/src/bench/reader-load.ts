import { ForewarmError, messageOf } from '#shared/errors';
import { Predictor } from '#shared/predictor/predictor';
import type { PredictorOptions } from '#shared/predictor/predictor-options';
import { within } from '#shared/within';
import { BareGrid } from './bare-grid';
import { MODEL } from './deployment';
import { categoryNames, DAYS, HOURS } from './grid';
import { HttpClient } from './http-path';
import { OpenLoop } from './open-loop';
import { Oracle } from './oracle';
import { type PhaseFigures, PhaseTally } from './phase-tally';
import { randomNumbers } from './random-numbers';
import type { LoadTask } from './steady-load';
import { OUTPUT } from './synthetic-models';

/** To the daemon: who makes one for each question that waits makes a slow daemon slower. */
const CONNECTIONS = 64;
/** After the last question, how long answers are waited for: far beyond the deadline of a call. */
const PATIENCE_MS = 20_000;

/** Who answers one prediction: the library, or a daemon by HTTP. */
interface Reader {
  readonly by: 'library' | 'http';
  ask(category: string, coordinates: { readonly day: number; readonly hour: number }): Promise<ReaderAnswer>;
}

/** A read that has not ended. */
interface PendingRead {
  readonly by: Reader['by'];
  readonly tally: PhaseTally;
  readonly dueMs: number;
  readonly ended: Promise<void>;
}

interface ReaderAnswer {
  readonly values: Readonly<Record<string, number>>;
  readonly tier: string;
}

/**
 * Reads of any cells at a steady rate, each compared with what the model says. Half of those by the library go to one that holds
 * rows in memory, which hides much from an application, and half to one that holds none.
 */
export class ReaderLoad {
  private readonly names: readonly string[];
  private readonly oracle: Oracle;
  private readonly readers: readonly Reader[];
  private readonly closers: readonly (() => unknown)[];
  private readonly random = randomNumbers(11);
  private readonly pending = new Set<PendingRead>();
  private readonly tallies: PhaseTally[] = [];
  private readonly loop: OpenLoop;
  private tally: PhaseTally;
  private asked = 0;

  private constructor(task: LoadTask, oracle: Oracle, phase: string) {
    this.names = categoryNames(task.categories);
    this.oracle = oracle;
    const predictors = [new Predictor(optionsOf(task)), new Predictor({ ...optionsOf(task), memory: false })];
    const [holding = [], bare = []] = predictors.map((predictor): Reader[] => [
      { by: 'library', ask: (category, coordinates) => predictor.predict(MODEL, category, coordinates) },
    ]);
    const http = task.httpUrl === undefined ? undefined : new HttpClient(task.httpUrl, CONNECTIONS);
    const byHttp: Reader[] =
      http === undefined ? [] : [{ by: 'http', ask: (...asked) => http.ask(HttpClient.target(...asked)) }];
    this.readers = [...holding, ...byHttp, ...bare, ...byHttp];
    this.closers = [...predictors.map((predictor) => () => predictor.close()), () => http?.close()];
    this.tally = this.enter(phase);
    this.loop = new OpenLoop(task.readsPerSecond, (dueMs) => this.ask(dueMs));
  }

  static async begin(task: LoadTask, phase: string): Promise<ReaderLoad> {
    const oracle = await Oracle.of(task.categories, await BareGrid.open(task.modelFile));
    return new ReaderLoad(task, oracle, phase);
  }

  /** What is asked from now on belongs to this phase. */
  enter(phase: string): PhaseTally {
    this.tally = new PhaseTally(phase);
    this.tallies.push(this.tally);
    return this.tally;
  }

  /** Asks no more, and resolves when all that was asked is answered, or will not be. */
  async end(): Promise<PhaseFigures[]> {
    this.loop.stop();
    await within(Promise.all([...this.pending].map(({ ended }) => ended)), PATIENCE_MS);
    for (const { by, tally, dueMs } of this.pending) {
      tally.failedWith(performance.now() - dueMs, `no answer by ${by}`, 'and none when the run had ended');
    }
    return this.tallies.map(({ figures }) => figures);
  }

  async close(): Promise<void> {
    this.loop.stop();
    await Promise.allSettled(this.closers.map((close) => close()));
  }

  private ask(dueMs: number): void {
    const reader = this.readers[this.asked++ % this.readers.length] as Reader;
    const { tally } = this;
    const read: PendingRead = { by: reader.by, tally, dueMs, ended: this.read(reader, tally, dueMs) };
    this.pending.add(read);
    read.ended.finally(() => this.pending.delete(read));
  }

  private async read({ by, ask }: Reader, tally: PhaseTally, dueMs: number): Promise<void> {
    const [category, day, hour] = [this.below(this.names.length), this.below(DAYS), this.below(HOURS)];
    try {
      const { values, tier } = await ask(this.names[category] as string, { day, hour });
      const ms = performance.now() - dueMs;
      tally.answered(ms, tier, this.oracle.agrees(category, day * HOURS + hour, values[OUTPUT]));
    } catch (error) {
      const what = error instanceof ForewarmError ? error.code : messageOf(error);
      tally.failedWith(performance.now() - dueMs, `${what} by ${by}`, messageOf(error));
    }
  }

  private below(limit: number): number {
    return Math.floor(this.random() * limit);
  }
}

function optionsOf({ redisUrl, postgresUrl, modelFile, categories }: LoadTask): PredictorOptions {
  const upTo = (length: number): number[] => Array.from({ length }, (_, i) => i);
  const axes = [
    { name: 'day', values: upTo(DAYS) },
    { name: 'hour', values: upTo(HOURS) },
  ];
  const model = { name: MODEL, file: modelFile, axes, categories: categoryNames(categories) };
  return { redis: redisUrl, postgres: postgresUrl, models: [model] };
}
