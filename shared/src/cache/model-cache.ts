import type { Redis } from 'ioredis';
import { asking, execChecked } from '../connections/redis';
import { asForewarmError } from '../errors';
import { type CacheEvent, rowsEvents } from './events';
import { KeySpace } from './keys';
import { type LivePointer, type Metadata, parseLivePointer, parseMetadata } from './pointer';
import type { RowFrame } from './row';
import { readRows } from './row-reader';
import { slices } from './slices';

/** Keys to one round trip: larger ones stall the loop, smaller ones cost time. */
const SLICE = 500;

/** What one model has in the cache Redis: its pointer, metadata, index and rows. */
export class ModelCache {
  readonly model: string;
  readonly keys: KeySpace;
  private readonly redis: Redis;

  constructor(redis: Redis, keyPrefix: string, model: string) {
    this.redis = redis;
    this.model = model;
    this.keys = new KeySpace(keyPrefix, model);
  }

  async pointer(): Promise<LivePointer | undefined> {
    return parseLivePointer(await asking(`reading ${this.keys.live}`, this.redis.get(this.keys.live)));
  }

  async metadata(): Promise<Metadata | undefined> {
    return parseMetadata(await asking(`reading ${this.keys.metadata}`, this.redis.get(this.keys.metadata)));
  }

  /** Makes a generation the live one and tells readers: pointer, metadata and event in one transaction. */
  async publish(pointer: LivePointer, metadata: Metadata): Promise<void> {
    const event: CacheEvent = { type: 'published', generation: pointer.generation };
    const commands = this.redis
      .multi()
      .set(this.keys.live, JSON.stringify(pointer))
      .set(this.keys.metadata, JSON.stringify(metadata))
      .publish(this.keys.events, JSON.stringify(event));
    await execChecked(commands, `publishing ${this.keys.root}`);
  }

  async writeMetadata(metadata: Metadata): Promise<void> {
    const text = JSON.stringify(metadata);
    await asking(`writing ${this.keys.metadata}`, this.redis.set(this.keys.metadata, text));
  }

  /** What applications have reported of their reads: `redis:hit` to its count. */
  async reads(): Promise<Map<string, number>> {
    const fields = await asking(`reading ${this.keys.reads}`, this.redis.hgetall(this.keys.reads));
    return new Map(Object.entries(fields).map(([field, count]) => [field, Number(count) || 0]));
  }

  /** Those of `categories` that have no row in the generation, asked in slices. */
  async missing(generation: string, categories: readonly string[]): Promise<string[]> {
    const missing: string[] = [];
    for (const slice of slices(categories, SLICE)) {
      const names = slice.map((category) => this.keys.row(generation, category));
      const present = await asking(`looking for rows of ${this.keys.root}`, this.redis.exists(...names));
      if (present === slice.length) continue;
      const commands = this.redis.pipeline();
      for (const name of names) commands.exists(name);
      const replies = await execChecked(commands, `looking for rows of ${this.keys.root}`);
      missing.push(...slice.filter((_, i) => replies[i] !== 1));
    }
    return missing;
  }

  /** Those of `categories` that have no row in the generation, or one that is not whole. Reads the rows. */
  async faulty(generation: string, frame: RowFrame, categories: readonly string[]): Promise<string[]> {
    const rows = await readRows(this.redis, this.keys, categories, { generation, frame, inputs: false });
    return categories.filter((category) => rows.get(category)?.whole !== true);
  }

  /** Number of index entries: the rows that the generation should have, wanted or not. */
  async indexSize(generation: string): Promise<number> {
    return asking(`counting rows of ${this.keys.root}`, this.redis.scard(this.keys.index(generation)));
  }

  /** Puts categories that have a row into the index, where they may be already. */
  async addToIndex(generation: string, categories: readonly string[]): Promise<void> {
    for (const slice of slices(categories, SLICE)) {
      await asking(`indexing rows of ${this.keys.root}`, this.redis.sadd(this.keys.index(generation), ...slice));
    }
  }

  /** Deletes rows of categories that are no longer wanted, and tells readers. Returns the categories that went. */
  async dropUnwanted(generation: string, wanted: ReadonlySet<string>): Promise<string[]> {
    const dropped = await this.dropRows(generation, (category) => !wanted.has(category));
    const commands = this.redis.pipeline();
    for (const message of rowsEvents(generation, dropped)) commands.publish(this.keys.events, message);
    await execChecked(commands, `telling readers of dropped rows of ${this.keys.root}`);
    return dropped;
  }

  private async dropRows(generation: string, unwantedIs: (category: string) => boolean): Promise<string[]> {
    const dropped: string[] = [];
    for await (const indexed of this.walkIndex(generation)) {
      const unwanted = indexed.filter(unwantedIs);
      if (unwanted.length === 0) continue;
      const commands = this.redis
        .pipeline()
        .unlink(...unwanted.map((category) => this.keys.row(generation, category)))
        .srem(this.keys.index(generation), ...unwanted)
        .hdel(this.keys.inputs(generation), ...unwanted);
      await execChecked(commands, `dropping rows of ${this.keys.root}`);
      dropped.push(...unwanted);
    }
    return dropped;
  }

  /** Deletes a whole generation by walking its index, and tells readers. Returns the number of rows. */
  async dropGeneration(generation: string): Promise<number> {
    const dropped = await this.dropRows(generation, () => true);
    const event: CacheEvent = { type: 'dropped', generation };
    const commands = this.redis.pipeline().unlink(this.keys.index(generation), this.keys.inputs(generation));
    commands.publish(this.keys.events, JSON.stringify(event));
    await execChecked(commands, `dropping generation ${generation} of ${this.keys.root}`);
    return dropped.length;
  }

  /** The generation's categories in parts; one that is added or removed meanwhile may or may not come. */
  async *walkIndex(generation: string): AsyncGenerator<string[]> {
    const stream = this.redis.sscanStream(this.keys.index(generation), { count: SLICE });
    try {
      for await (const part of stream as AsyncIterable<string[]>) if (part.length > 0) yield part;
    } catch (error) {
      throw asForewarmError(error, 'FW_REDIS_UNAVAILABLE', `walking the index of ${this.keys.root}`);
    }
  }
}
