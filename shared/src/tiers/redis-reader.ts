import type { Redis } from 'ioredis';
import type { CacheEvent } from '../cache/events';
import { type Axis, type Coordinates, cellCount, cellIndex } from '../cache/grid';
import { KeySpace } from '../cache/keys';
import { type LivePointer, type Metadata, parseLivePointer, parseMetadata } from '../cache/pointer';
import { decodeRow, type Row } from '../cache/row';
import { type Clock, systemClock } from '../clock';
import { asking, execChecked } from '../connections/redis';
import { ForewarmError } from '../errors';

/** Where an answer comes from, and how old it is. */
export interface Provenance {
  readonly tier: 'redis';
  readonly generation: string;
  readonly modelVersion: string;
  /** ISO 8601 UTC. */
  readonly computedAt: string;
  /** Never negative: a clock that is ahead is not shown as a negative age. */
  readonly ageMs: number;
  /** Neither computed nor verified within `staleAfterMs`. */
  readonly stale: boolean;
}

/** A prediction with where it came from. */
export interface Answer extends Provenance {
  /** By the names of the model's outputs. */
  readonly values: Readonly<Record<string, number>>;
}

/** Every prediction of one category, with where they came from. */
export interface RowAnswer extends Provenance {
  /** The grid: cells in axis order, the last axis varies fastest. */
  readonly axes: readonly Axis[];
  /** Names of the K outputs of a cell. */
  readonly outputs: readonly string[];
  /** Cell by cell, K values each. */
  readonly values: Float32Array;
}

export interface ReaderOptions {
  readonly keyPrefix?: string;
  readonly staleAfterMs?: number;
  readonly clock?: Clock;
}

const STALE_AFTER_MS = 5 * 60_000;

/** Reads predictions from the cache Redis. It needs no configuration of models: the live pointer says all. */
export class RedisReader {
  private readonly redis: Redis;
  private readonly keyPrefix: string;
  private readonly staleAfterMs: number;
  private readonly clock: Clock;
  private readonly pointers = new Map<string, { readonly text: string; readonly pointer: LivePointer }>();

  /** @param redis a connected client; it stays the caller's */
  constructor(redis: Redis, options: ReaderOptions = {}) {
    this.redis = redis;
    this.keyPrefix = options.keyPrefix ?? 'forewarm';
    this.staleAfterMs = options.staleAfterMs ?? STALE_AFTER_MS;
    this.clock = options.clock ?? systemClock;
  }

  /**
   * One cell of the live generation, in two round trips. A row that should be there and is not, or is corrupt, is
   * reported to the daemon, which heals it.
   * @throws ForewarmError FW_NOT_WARMED, FW_CELL_UNKNOWN, FW_CATEGORY_UNKNOWN, FW_ROW_CORRUPT
   */
  async predict(model: string, category: string, coordinates: Coordinates): Promise<Answer> {
    const published = await this.published(model);
    const { axes, outputs } = published.live;
    // Wrong coordinates are refused before the row is asked for.
    const first = cellIndex(axes, coordinates) * outputs.length;
    const row = await this.validRow(published, category);
    return {
      values: Object.fromEntries(outputs.map((name, k) => [name, row.values[first + k] as number])),
      ...this.provenance(published, row),
    };
  }

  /**
   * All cells of the live generation, as `predict` answers each of them.
   * @throws ForewarmError FW_NOT_WARMED, FW_CATEGORY_UNKNOWN, FW_ROW_CORRUPT
   */
  async row(model: string, category: string): Promise<RowAnswer> {
    const published = await this.published(model);
    const { axes, outputs } = published.live;
    const row = await this.validRow(published, category);
    return { axes, outputs, values: row.values, ...this.provenance(published, row) };
  }

  /** @throws ForewarmError FW_NOT_WARMED */
  private async published(model: string): Promise<Published> {
    const keys = new KeySpace(this.keyPrefix, model);
    const [pointerText = null, metadataText = null] = await asking(
      `reading the pointer of ${model}`,
      this.redis.mget(keys.live, keys.metadata),
    );
    const live = this.parsePointer(model, pointerText);
    if (live === undefined) {
      throw new ForewarmError('FW_NOT_WARMED', `nothing is published for the model ${model} in this Redis`);
    }
    const metadata = parseMetadata(metadataText);
    return { model, keys, live, metadata: metadata?.generation === live.generation ? metadata : undefined };
  }

  /** @throws ForewarmError FW_CATEGORY_UNKNOWN, FW_ROW_CORRUPT */
  private async validRow(published: Published, category: string): Promise<Row> {
    const { model, keys, live } = published;
    const bytes = await asking(`reading a row of ${model}`, this.redis.getBuffer(keys.row(live.generation, category)));
    if (bytes === null) throw await this.missing(published, category);
    const decoded = decodeRow(bytes);
    const fault = decoded.ok ? faultAgainst(live, decoded.row) : decoded.fault;
    if (decoded.ok && fault === undefined) return decoded.row;
    await this.report(keys, live, category);
    throw new ForewarmError('FW_ROW_CORRUPT', `the row of ${JSON.stringify(category)} is corrupt: wrong ${fault}`);
  }

  private provenance({ live, metadata }: Published, { computedAtMs }: Row): Provenance {
    const now = this.clock.now();
    const verifiedAtMs = metadata === undefined ? 0 : Date.parse(metadata.last_updated);
    return {
      tier: 'redis',
      generation: live.generation,
      modelVersion: live.modelVersion,
      computedAt: new Date(computedAtMs).toISOString(),
      ageMs: Math.max(0, now - computedAtMs),
      stale: now - Math.max(computedAtMs, verifiedAtMs) > this.staleAfterMs,
    };
  }

  /** A pointer may hold thousands of axis values and seldom changes: it is parsed once. */
  private parsePointer(model: string, text: string | null): LivePointer | undefined {
    const known = this.pointers.get(model);
    if (known !== undefined && known.text === text) return known.pointer;
    const pointer = parseLivePointer(text);
    if (text !== null && pointer !== undefined) this.pointers.set(model, { text, pointer });
    return pointer;
  }

  /** An index with fewer entries than it should have was evicted: it cannot tell that there is no such category. */
  private async missing({ keys, live, metadata }: Published, category: string): Promise<ForewarmError> {
    const index = keys.index(live.generation);
    const commands = this.redis.pipeline().sismember(index, category).scard(index);
    const [indexed, entries] = await execChecked(commands, 'reading the index');
    const whole = metadata !== undefined && Number(entries) >= metadata.expected - metadata.failed;
    if (indexed === 0 && whole) {
      return new ForewarmError('FW_CATEGORY_UNKNOWN', `there is no row for the category ${JSON.stringify(category)}`);
    }
    await this.report(keys, live, category);
    return new ForewarmError(
      'FW_CATEGORY_UNKNOWN',
      `the row of ${JSON.stringify(category)} is missing from Redis; the daemon was asked to heal it`,
      { next: 'Ask again in a moment.' },
    );
  }

  private async report(keys: KeySpace, live: LivePointer, category: string): Promise<void> {
    const event: CacheEvent = { type: 'missing', generation: live.generation, categories: [category] };
    await asking('telling the daemon', this.redis.publish(keys.events, JSON.stringify(event)));
  }
}

/** What a model has published, as one read of it found. */
interface Published {
  readonly model: string;
  readonly keys: KeySpace;
  readonly live: LivePointer;
  /** What the last cycle wrote, where it is of the live generation. */
  readonly metadata: Metadata | undefined;
}

/** The pointer holds 12 digits of the identity, the row the first 16: they must agree as far as both go. */
function faultAgainst(live: LivePointer, row: Row): string | undefined {
  if (row.cells !== cellCount(live.axes) || row.outputs !== live.outputs.length) return 'length';
  const identity = Buffer.from(live.generation, 'hex');
  return identity.equals(row.identity.subarray(0, identity.length)) ? undefined : 'identity';
}
