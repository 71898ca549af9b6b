import { createHash } from 'node:crypto';
import { slices } from '../cache/slices';
import type { RedisClient } from '../connections/redis';
import { asForewarmError, messageOf } from '../errors';
import type { CorruptRow, FoundRow, LiveGeneration } from './tier';

/**
 * Writes a row unless one is there that is as new: at byte 12 is when it was computed, 64 bits, little-endian. What was found to
 * be corrupt, and what is no row of this length, gives way whatever it says. Where rows expire, it does as one that a cycle wrote.
 */
const FILL = `
local old = redis.call('GET', KEYS[1])
if old and old ~= ARGV[2] and #old == #ARGV[1] and string.sub(old, 1, 4) == string.sub(ARGV[1], 1, 4) then
  if struct.unpack('<I8', string.sub(old, 13, 20)) >= struct.unpack('<I8', string.sub(ARGV[1], 13, 20)) then return 0 end
end
if ARGV[3] == '' then redis.call('SET', KEYS[1], ARGV[1], 'KEEPTTL') else redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[3]) end
return 1`;
const FILL_SHA1 = createHash('sha1').update(FILL).digest('hex');

/** Rows on the way at once. */
const SLICE_ROWS = 100;
const NONE = Buffer.alloc(0);

/** Writes rows that a reader found elsewhere into the cache Redis. */
export class RowFiller {
  private readonly client: RedisClient;
  private readonly expireAfterMs: (model: string) => number | undefined;

  /** @param expireAfterMs of a model, where its rows expire */
  constructor(client: RedisClient, expireAfterMs: (model: string) => number | undefined) {
    this.client = client;
    this.expireAfterMs = expireAfterMs;
  }

  /**
   * Never an older row over a newer one. Rows that were written are indexed.
   * @throws ForewarmError FW_REDIS_WRITE_FAILED
   */
  async fill(live: LiveGeneration, rows: readonly FoundRow[], corrupt: readonly CorruptRow[]): Promise<void> {
    const seen = new Map(corrupt.map(({ category, bytes }) => [category, bytes]));
    try {
      for (const slice of slices(rows, SLICE_ROWS)) {
        const written = await Promise.all(
          slice.map(({ category, row }) => this.fillOne(live, category, row.bytes, seen.get(category) ?? NONE)),
        );
        const indexed = slice.filter((_, i) => written[i] === 1).map(({ category }) => category);
        if (indexed.length > 0) await this.client.sadd(live.keys.index(live.generation), ...indexed);
      }
    } catch (error) {
      throw asForewarmError(error, 'FW_REDIS_WRITE_FAILED', `writing ${rows.length} rows back`);
    }
  }

  private async fillOne(live: LiveGeneration, category: string, bytes: Buffer, seen: Buffer): Promise<unknown> {
    const key = live.keys.row(live.generation, category);
    const expiry = this.expireAfterMs(live.model) ?? '';
    try {
      return await this.client.evalsha(FILL_SHA1, 1, key, bytes, seen, expiry);
    } catch (error) {
      if (!messageOf(error).startsWith('NOSCRIPT')) throw error;
      return this.client.eval(FILL, 1, key, bytes, seen, expiry);
    }
  }
}
