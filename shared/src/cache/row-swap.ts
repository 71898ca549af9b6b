import type { Redis } from 'ioredis';
import { execChecked } from '../connections/redis';
import { rowsEvents } from './events';
import type { KeySpace } from './keys';
import { ROW_HEADER_BYTES } from './row';
import type { RowBytes } from './row-writer';

/** A row, and what it may take the place of. */
export interface RowSwap extends RowBytes {
  /** What is there; `undefined` for nothing. Only the header is compared: it has the checksum of the rest. */
  readonly instead: Buffer | undefined;
}

/** KEYS: the row. ARGV: the header that must be there or nothing, the row, milliseconds until it expires or nothing. */
const SWAP = `
  if redis.call('GETRANGE', KEYS[1], 0, ${ROW_HEADER_BYTES - 1}) ~= ARGV[1] then return 0 end
  if ARGV[3] == '' then redis.call('SET', KEYS[1], ARGV[2])
  else redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3]) end
  return 1`;

const NOTHING = Buffer.alloc(0);

/**
 * Writes rows of one generation where nobody else has written since they were looked at, each atomically, and what belongs to
 * them: hashes of their inputs, and the event that lets readers drop old ones. All of `indexed` go into the index.
 * @returns the categories that were written
 * @throws ForewarmError FW_REDIS_WRITE_FAILED when any command was refused
 */
export async function swapRows(
  redis: Redis,
  keys: KeySpace,
  generation: string,
  rows: readonly RowSwap[],
  { expireAfterMs, indexed }: { readonly expireAfterMs: number | undefined; readonly indexed: readonly string[] },
): Promise<Set<string>> {
  const what = `writing ${rows.length} rows of ${keys.root}`;
  const written = new Set<string>();
  if (rows.length > 0) {
    const swaps = redis.pipeline();
    for (const { category, bytes, instead = NOTHING } of rows) {
      const header = instead.subarray(0, ROW_HEADER_BYTES);
      swaps.eval(SWAP, 1, keys.row(generation, category), header, bytes, expireAfterMs ?? '');
    }
    const replies = await execChecked(swaps, what, 'FW_REDIS_WRITE_FAILED');
    rows.forEach(({ category }, i) => {
      if (replies[i] === 1) written.add(category);
    });
  }
  const commands = redis.pipeline();
  if (indexed.length > 0) commands.sadd(keys.index(generation), ...indexed);
  for (const { category, inputs } of rows.filter((row) => written.has(row.category))) {
    // The hash of a row that is not there any more would make a cycle keep this one.
    if (inputs === undefined) commands.hdel(keys.inputs(generation), category);
    else commands.hset(keys.inputs(generation), category, inputs);
  }
  for (const message of rowsEvents(generation, [...written])) commands.publish(keys.events, message);
  if (commands.length > 0) await execChecked(commands, what, 'FW_REDIS_WRITE_FAILED');
  return written;
}
