import type { Redis } from 'ioredis';
import { execChecked } from '../connections/redis';
import { rowsEvents } from './events';
import type { KeySpace } from './keys';

/** Most bytes of rows in one `MSET`: it is atomic, and while it runs Redis serves nobody else. */
const MSET_MAX_BYTES = 8 * 1024 * 1024;

export interface RowBytes {
  readonly category: string;
  readonly bytes: Buffer;
  /** Hash of the inputs that it was computed from, where they are tracked. */
  readonly inputs: Buffer | undefined;
}

/** What the cache lacked of rows that were written. */
export interface WrittenRows {
  /** Rows that were not there. */
  readonly absent: number;
  /** Categories that the index did not have. */
  readonly unindexed: number;
}

/**
 * Writes rows of one generation, their index entries, the hashes of their inputs and the event that lets readers drop old ones.
 * @throws ForewarmError FW_REDIS_WRITE_FAILED when any command was refused; rows are replaced one by one, each atomically
 */
export async function writeRows(
  redis: Redis,
  keys: KeySpace,
  generation: string,
  rows: readonly RowBytes[],
  expireAfterMs: number | undefined,
): Promise<WrittenRows> {
  let absent = 0;
  let unindexed = 0;
  for (const part of partsByBytes(rows)) {
    const categories = part.map((row) => row.category);
    const commands = redis.pipeline().exists(...categories.map((category) => keys.row(generation, category)));
    if (expireAfterMs === undefined) {
      commands.mset(...part.flatMap((row) => [keys.row(generation, row.category), row.bytes]));
    } else {
      for (const row of part) commands.set(keys.row(generation, row.category), row.bytes, 'PX', expireAfterMs);
    }
    commands.sadd(keys.index(generation), ...categories);
    const indexing = commands.length - 1;
    const hashes = part.flatMap(({ category, inputs }) => (inputs === undefined ? [] : [category, inputs]));
    if (hashes.length > 0) commands.hset(keys.inputs(generation), ...hashes);
    for (const message of rowsEvents(generation, categories)) commands.publish(keys.events, message);
    const what = `writing ${part.length} rows of ${keys.root}`;
    const replies = await execChecked(commands, what, 'FW_REDIS_WRITE_FAILED');
    absent += part.length - Number(replies[0]);
    unindexed += Number(replies[indexing]);
  }
  return { absent, unindexed };
}

function* partsByBytes(rows: readonly RowBytes[]): Generator<readonly RowBytes[]> {
  let part: RowBytes[] = [];
  let bytes = 0;
  for (const row of rows) {
    if (part.length > 0 && bytes + row.bytes.length > MSET_MAX_BYTES) {
      yield part;
      part = [];
      bytes = 0;
    }
    part.push(row);
    bytes += row.bytes.length;
  }
  if (part.length > 0) yield part;
}
