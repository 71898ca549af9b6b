import { join } from 'node:path';
import { RowView } from '#shared/cache/row';
import { Predictor } from '#shared/predictor/predictor';
import type { PredictorOptions } from '#shared/predictor/predictor-options';
import { RowStore } from '#shared/store/row-store';
import type { ModelFile } from '#shared/tiers/model-source';
import { type SystemOptions, TestSystem } from './system';

/** Those of the usual small model. */
const AXES = [
  { name: 'day', values: [0, 1, 2, 3] },
  { name: 'hour', values: [0, 1, 2, 3, 4, 5] },
];

/** So that no test of where a row comes from depends on how quick the machine is. */
const PATIENT = { limitsMs: { redis: 5_000, postgres: 10_000, model: 30_000 }, deadlineMs: 50_000 };

/** Stores that a daemon has filled with the usual small model, and nobody heals: what a test takes away stays away. */
export class WarmedSystem {
  readonly system: TestSystem;
  readonly categories: readonly string[];
  readonly generation: string;
  /** The daemon's own bytes of each row. */
  readonly bytes: ReadonlyMap<string, Buffer>;
  private readonly predictors: Predictor[] = [];

  private constructor(
    system: TestSystem,
    categories: readonly string[],
    { generation, bytes }: { readonly generation: string; readonly bytes: ReadonlyMap<string, Buffer> },
  ) {
    this.system = system;
    this.categories = categories;
    this.generation = generation;
    this.bytes = bytes;
  }

  /** `stop` it. */
  static async start(categories: readonly string[], options?: SystemOptions): Promise<WarmedSystem> {
    const system = await TestSystem.start(options);
    try {
      system.configureSmall(categories, { every: '1h', version: '2.1' });
      const daemon = system.daemon();
      const generation = String((await daemon.cycle()).live);
      await daemon.stop();
      return new WarmedSystem(system, categories, { generation, bytes: await system.rows(generation, categories) });
    } catch (error) {
      await system.stop();
      throw error;
    }
  }

  /** The model file, as an application names it. */
  modelFile(more: Partial<ModelFile> = {}): ModelFile {
    const { system, categories } = this;
    return { name: 'm', file: join(system.folder, 'm.onnx'), version: '2.1', axes: AXES, categories, ...more };
  }

  /** A predictor on all three tiers with much time, and no memory where a test does not ask for one. */
  predictor(more: PredictorOptions = {}): Predictor {
    const { redis, postgresUrl } = this.system;
    const all = { redis: redis.url, postgres: postgresUrl, models: [this.modelFile()] };
    const predictor = new Predictor({ ...all, memory: false, ...PATIENT, ...more });
    this.predictors.push(predictor);
    return predictor;
  }

  /** What the model gives, by its weights. */
  expected(category: string, day = 0, hour = 0): number {
    return 0.5 * day + 0.25 * hour + 10 * (this.categories.indexOf(category) + 1);
  }

  key(category: string): string {
    return this.system.cache().keys.row(this.generation, category);
  }

  get index(): string {
    return this.system.cache().keys.index(this.generation);
  }

  bytesOf(category: string): Buffer {
    return this.bytes.get(category) ?? Buffer.alloc(0);
  }

  computedAtMs(category: string): number {
    return new RowView(this.bytesOf(category)).computedAtMs;
  }

  /** Takes rows out of Redis, with their index entries. */
  async loseInRedis(categories: readonly string[]): Promise<void> {
    await this.system.client.del(...categories.map((category) => this.key(category)));
    await this.system.client.srem(this.index, ...categories);
  }

  async loseInPostgres(categories: readonly string[]): Promise<void> {
    await this.system.pool.query('DELETE FROM forewarm.row WHERE category = ANY($1)', [categories]);
  }

  /** Closes the predictors, and puts both stores back as the daemon left them. */
  async restore(): Promise<void> {
    await this.closePredictors();
    const { system, bytes, generation } = this;
    const stored = [...bytes].map(([category, row]) => ({
      ...{ category, bytes: row, inputs: undefined },
      computedAtMs: new RowView(row).computedAtMs,
    }));
    await system.client.mset(...[...bytes].flatMap(([category, row]) => [this.key(category), row]));
    await system.client.sadd(this.index, ...this.categories);
    await system.pool.query('DELETE FROM forewarm.row');
    await new RowStore(system.pool).upsert('m', generation, stored, Date.now());
  }

  async closePredictors(): Promise<void> {
    await Promise.all(this.predictors.splice(0).map((predictor) => predictor.close()));
  }

  async stop(): Promise<void> {
    await this.closePredictors();
    await this.system.stop();
  }
}
