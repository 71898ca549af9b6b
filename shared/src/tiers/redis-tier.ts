import { KeySpace } from '../cache/keys';
import { parseLivePointer, parseMetadata } from '../cache/pointer';
import { slices } from '../cache/slices';
import { type RedisClient, redisError } from '../connections/redis';
import { ForewarmError, messageOf } from '../errors';
import { sortRow } from './check-row';
import { liveGeneration } from './live-generation';
import { RowFiller } from './row-filler';
import type { CorruptRow, FoundRow, LiveGeneration, Published, Tier, TierRows } from './tier';

/** Keys to one `MGET`: while it is answered nobody else is. */
const SLICE_KEYS = 500;

const never = (): undefined => undefined;

/** Rows in the cache Redis. */
export class RedisTier implements Tier {
  readonly name = 'redis';
  private readonly client: RedisClient;
  private readonly filler: RowFiller;
  private readonly keyPrefix: string;
  /** A pointer may hold thousands of axis values and seldom changes: it is read once. */
  private readonly pointers = new Map<string, { readonly text: string; readonly live: LiveGeneration }>();
  private lastError: Error | undefined;
  private closed = false;

  /**
   * @param client stays the caller's
   * @param expireAfterMs of a model, where its rows expire
   */
  constructor(client: RedisClient, keyPrefix: string, expireAfterMs: (model: string) => number | undefined = never) {
    this.client = client;
    this.keyPrefix = keyPrefix;
    client.on('error', this.remember);
    this.filler = new RowFiller(client, expireAfterMs);
  }

  /** @throws ForewarmError FW_REDIS_UNAVAILABLE */
  async read(live: LiveGeneration, categories: readonly string[]): Promise<TierRows> {
    if (this.closed) throw new ForewarmError('FW_READER_CLOSED', 'the reader was closed');
    const rows = { found: [] as FoundRow[], corrupt: [] as CorruptRow[] };
    const wanted = categories.map((category) => ({ category }));
    const stored = await this.asking(`reading ${categories.length} rows`, this.readRaw(live, wanted));
    for (let i = 0; i < stored.length; i++) {
      const bytes = stored[i];
      if (bytes != null) sortRow(live, categories[i] as string, bytes, rows);
    }
    return rows;
  }

  /** The bytes of rows, unchecked, in their order: with nothing around it that costs time. It rejects with what the client says. */
  readRaw(live: LiveGeneration, flights: readonly { readonly category: string }[]): Promise<(Buffer | null)[]> {
    const names: string[] = [];
    for (const { category } of flights) names.push(live.keys.row(live.generation, category));
    if (names.length === 0) return Promise.resolve([]);
    // In a cluster the rows of one request lie on many servers, which no `MGET` reaches.
    if (this.client.isCluster) return Promise.all(names.map((name) => this.client.getBuffer(name)));
    if (names.length <= SLICE_KEYS) return this.client.mgetBuffer(names);
    const parts = Array.from(slices(names, SLICE_KEYS), (slice) => this.client.mgetBuffer(slice));
    return Promise.all(parts).then((rows) => rows.flat());
  }

  /** As `readRaw`, of one row. */
  readOne(live: LiveGeneration, category: string): Promise<Buffer | null> {
    return this.client.getBuffer(live.keys.row(live.generation, category));
  }

  /** What these rejected with, as an error of the catalogue. */
  errorOf(thrown: unknown): ForewarmError {
    return this.explained(thrown, 'reading a row');
  }

  /** @throws ForewarmError FW_REDIS_WRITE_FAILED */
  async fill(live: LiveGeneration, rows: readonly FoundRow[], corrupt: readonly CorruptRow[]): Promise<void> {
    await this.filler.fill(live, rows, corrupt);
  }

  /** @throws ForewarmError FW_REDIS_UNAVAILABLE */
  async published(model: string): Promise<Published | undefined> {
    const keys = new KeySpace(this.keyPrefix, model);
    const parts = this.client.isCluster
      ? Promise.all([this.client.get(keys.live), this.client.get(keys.metadata)])
      : this.client.mget(keys.live, keys.metadata);
    const [text = null, metadataText = null] = await this.asking(`reading the pointer of ${model}`, parts);
    const live = this.liveOf(model, text);
    if (live === undefined) return undefined;
    const metadata = parseMetadata(metadataText);
    return { live, metadata: metadata?.generation === live.generation ? metadata : undefined };
  }

  async close(): Promise<void> {
    this.closed = true;
    this.client.off('error', this.remember);
  }

  private readonly remember = (error: Error): void => {
    this.lastError = error;
  };

  private asking<T>(what: string, command: Promise<T>): Promise<T> {
    return command.catch((error: unknown) => {
      throw this.explained(error, what);
    });
  }

  /** A command only tells that there is no connection, and the connection has told before why. */
  private explained(thrown: unknown, what: string): ForewarmError {
    const error = redisError(thrown, what);
    if (this.client.status === 'ready' || this.lastError === undefined) return error;
    return new ForewarmError(error.code, `${error.message}: ${messageOf(this.lastError)}`, { cause: thrown });
  }

  private liveOf(model: string, text: string | null): LiveGeneration | undefined {
    const known = this.pointers.get(model);
    if (known !== undefined && known.text === text) return known.live;
    const pointer = parseLivePointer(text);
    if (text === null || pointer === undefined) return undefined;
    const live = liveGeneration(this.keyPrefix, { model, ...pointer });
    this.pointers.set(model, { text, live });
    return live;
  }
}
