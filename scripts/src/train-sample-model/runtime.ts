/** Asks the exported model through onnxruntime, one thread, and checks that the batch does not change the bits. */
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { type Category, DAYS, HOURS, SLOTS } from './data';

/** Cells to ask about, in the order of the grids. */
export interface Queries {
  readonly days: BigInt64Array;
  readonly hours: BigInt64Array;
  readonly categories: readonly string[];
}

export function allCells(categories: readonly Category[]): Queries {
  const cells = Array.from({ length: categories.length * SLOTS }, (_, cell) => cell);
  return {
    days: BigInt64Array.from(cells, (cell) => BigInt(Math.floor(cell / HOURS) % DAYS)),
    hours: BigInt64Array.from(cells, (cell) => BigInt(cell % HOURS)),
    categories: cells.map((cell) => categories[Math.floor(cell / SLOTS)]?.name ?? ''),
  };
}

/** The same queries, last one first: every cell at another position, next to the same neighbours. */
export function reversed({ days, hours, categories }: Queries): Queries {
  return { days: days.slice().reverse(), hours: hours.slice().reverse(), categories: categories.toReversed() };
}

export function openSession(model: Uint8Array): Promise<InferenceSession> {
  return InferenceSession.create(model, { intraOpNumThreads: 1, interOpNumThreads: 1 });
}

/** Expected calls per hour of the queries from `from` (included) to `to` (excluded). */
export async function predict(
  session: InferenceSession,
  queries: Queries,
  from: number,
  to: number,
): Promise<Float32Array> {
  const shape = [to - from, 1];
  const { expected_calls: output } = await session.run({
    day: new Tensor('int64', queries.days.slice(from, to), shape),
    hour: new Tensor('int64', queries.hours.slice(from, to), shape),
    category: new Tensor('string', queries.categories.slice(from, to), shape),
  });
  return output?.data as Float32Array;
}

/** One cell; odd sizes, which leave vector tails; one category (168); 1,000; 16 categories. */
export const BATCH_SIZES = [1, 2, 3, 5, 7, 13, 31, 168, 1000, 16 * SLOTS] as const;

/** Number of answers that differ in any bit from `reference` (all cells in one batch) when asked in batches of `size`. */
export async function differentBits(
  session: InferenceSession,
  queries: Queries,
  reference: Float32Array,
  size: number,
): Promise<number> {
  const expected = new Uint32Array(reference.buffer, reference.byteOffset, reference.length);
  let different = 0;
  for (let from = 0; from < reference.length; from += size) {
    const answers = await predict(session, queries, from, Math.min(from + size, reference.length));
    const bits = new Uint32Array(answers.buffer, answers.byteOffset, answers.length);
    different += bits.reduce((count, word, i) => (word === expected[from + i] ? count : count + 1), 0);
  }
  return different;
}
