import type { Redis } from 'ioredis';
import { asking, execChecked } from '../connections/redis';
import { asForewarmError, ForewarmError } from '../errors';
import { type CacheEvent, rowsEvents } from './events';
import { type Axis, cellCount } from './grid';
import { KeySpace } from './keys';
import { type LivePointer, type Metadata, parseLivePointer, parseMetadata, withoutPin } from './pointer';
import { type RestoreLease, readLease } from './restore-lease';
import { type RowFrame, RowView } from './row';
import { readRows } from './row-reader';
import { slices } from './slices';

/** Keys to one round trip: larger ones stall the loop, smaller ones cost time. */
const SLICE = 500;

/**
 * KEYS: pointer, metadata. ARGV: the generation that must be live, or nothing and the text that the pointer must have; the new
 * metadata; and, to publish another, its pointer, the channel and the event.
 */
const IF_LIVE = `
  local text = redis.call('GET', KEYS[1]) or ''
  if ARGV[1] == '' then
    if text ~= ARGV[2] then return 0 end
  else
    local read, pointer = pcall(cjson.decode, text)
    if not read or type(pointer) ~= 'table' or pointer.generation ~= ARGV[1] then return 0 end
  end
  redis.call('SET', KEYS[2], ARGV[3])
  if ARGV[4] then
    redis.call('SET', KEYS[1], ARGV[4])
    redis.call('PUBLISH', ARGV[5], ARGV[6])
  end
  return 1`;

/** KEYS: a text. ARGV: what it must be, and what it is to be. */
const REPLACE = `
  if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
  redis.call('SET', KEYS[1], ARGV[2])
  return 1`;

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

  /**
   * Makes a generation the live one and tells readers: pointer, metadata and event in one step.
   * @param expected the generation that is live until now; `undefined` for none
   * @returns whether it was still; otherwise nothing was published
   */
  async publish(pointer: LivePointer, metadata: Metadata, expected: string | undefined): Promise<boolean> {
    const event: CacheEvent = { type: 'published', generation: pointer.generation };
    return this.ifLive(expected, metadata, [JSON.stringify(pointer), this.keys.events, JSON.stringify(event)]);
  }

  /**
   * @param expected the generation that is live; `undefined` for none
   * @returns whether it was still; otherwise nothing was written
   */
  async writeMetadata(metadata: Metadata, expected: string | undefined): Promise<boolean> {
    return this.ifLive(expected, metadata, []);
  }

  private async ifLive(
    expected: string | undefined,
    metadata: Metadata,
    publishing: readonly string[],
  ): Promise<boolean> {
    const { live, metadata: key } = this.keys;
    const what = `publishing ${this.keys.root}`;
    // A pointer that is not understood is none, as it is for readers, and is replaced.
    const text = expected === undefined ? await asking(what, this.redis.get(live)) : null;
    if (parseLivePointer(text) !== undefined) return false;
    const parameters = [expected ?? '', text ?? '', JSON.stringify(metadata), ...publishing];
    return (await asking(what, this.redis.eval(IF_LIVE, 2, live, key, ...parameters))) === 1;
  }

  /** What is being restored; `undefined` when nothing is. */
  restoring(): Promise<RestoreLease | undefined> {
    return readLease(this.redis, this.keys.restoring);
  }

  /**
   * Lets the generation of the model file be published again.
   * @returns the pointer as it was
   * @throws ForewarmError FW_NOT_PINNED, FW_REDIS_UNAVAILABLE
   */
  async unpin(): Promise<LivePointer> {
    const what = `unpinning ${this.model}`;
    const text = await asking(what, this.redis.get(this.keys.live));
    const pointer = parseLivePointer(text);
    if (text === null || pointer?.pinnedOver === undefined) {
      throw new ForewarmError('FW_NOT_PINNED', `model ${this.model} is not pinned`);
    }
    const free = JSON.stringify(withoutPin(pointer));
    if ((await asking(what, this.redis.eval(REPLACE, 1, this.keys.live, text, free))) === 1) return pointer;
    // Somebody else published in this moment.
    return this.unpin();
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

  /**
   * The rows of these categories that are there and whole, in the shape of their generation.
   * @throws ForewarmError FW_REDIS_UNAVAILABLE
   */
  async wholeRows(
    { generation, axes, outputs }: { generation: string; axes: readonly Axis[]; outputs: readonly string[] },
    categories: readonly string[],
  ): Promise<Map<string, RowView>> {
    // The first 6 bytes of the identity are the generation's id, and the checksum speaks for the rest.
    const identity = Buffer.from(generation, 'hex');
    const frame: RowFrame = { cells: cellCount(axes), outputs: outputs.length, identity };
    const rows = await readRows(this.redis, this.keys, categories, { generation, frame, inputs: false });
    return new Map(
      [...rows].flatMap(([category, { whole, bytes }]) => (whole ? [[category, new RowView(bytes)]] : [])),
    );
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
