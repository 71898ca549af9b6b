import type { InferenceSession } from 'onnxruntime-node';
import { ForewarmError } from '../errors';
import type { Feed } from './feeds';
import { runSession } from './onnx-session';
import type { ModelMapping } from './spec';

/** The values of some outputs, one after the other for each row of input. */
export interface GivenValues {
  readonly values: Float32Array;
  readonly rows: number;
  readonly perOutput: readonly number[];
}

/** @throws ForewarmError FW_INFERENCE_FAILED, FW_MODEL_OUTPUT_SIZE, FW_MODEL_TYPE_UNSUPPORTED, FW_VALUE_INEXACT */
export async function runFeeds(
  mapping: Pick<ModelMapping, 'name'>,
  session: InferenceSession,
  feeds: readonly Feed[],
  outputs: readonly string[],
): Promise<GivenValues> {
  const rows = feeds.reduce((sum, feed) => sum + feed.rows, 0);
  let perOutput: number[] | undefined;
  let values = new Float32Array();
  let done = 0;
  for (const feed of feeds) {
    const results = await runSession(mapping, session, feed.tensors, outputs);
    const counts = results.map((data, i) => countPerRow(mapping.name, outputs[i] ?? '', data.length, feed.fed));
    perOutput ??= counts;
    const odd = counts.findIndex((count, i) => count !== perOutput?.[i]);
    const [only] = results;
    if (odd >= 0) throw wrongSize(mapping.name, outputs[odd] ?? '', { rows: feed.fed, perOutput: counts }, odd);
    // The usual case, and nothing to be copied.
    if (only !== undefined && results.length === 1 && feeds.length === 1 && feed.rows === feed.fed)
      return { values: only, rows, perOutput };
    const width = counts.reduce((sum, count) => sum + count, 0);
    if (done === 0) values = new Float32Array(rows * width);
    let first = 0;
    for (const [i, data] of results.entries()) {
      const count = counts[i] ?? 0;
      for (let row = 0; row < feed.rows; row++) {
        values.set(data.subarray(row * count, (row + 1) * count), (done + row) * width + first);
      }
      first += count;
    }
    done += feed.rows;
  }
  return { values, rows, perOutput: perOutput ?? [] };
}

/** The chosen ones of the values of each row. */
export function pick({ values, rows, perOutput }: GivenValues, places: readonly number[] | undefined): Float32Array {
  if (places === undefined) return values;
  const width = perOutput.reduce((sum, count) => sum + count, 0);
  const chosen = new Float32Array(rows * places.length);
  for (let row = 0; row < rows; row++) {
    for (const [i, place] of places.entries())
      chosen[row * places.length + i] = values[row * width + place] ?? Number.NaN;
  }
  return chosen;
}

function countPerRow(model: string, output: string, length: number, rows: number): number {
  const count = length / rows;
  if (count >= 1 && Number.isInteger(count)) return count;
  throw sizeError(model, output, length, rows);
}

export function wrongSize(
  model: string,
  output: string,
  { rows, perOutput }: Pick<GivenValues, 'rows' | 'perOutput'>,
  which: number,
): ForewarmError {
  return sizeError(model, output, rows * (perOutput[which] ?? 0), rows);
}

function sizeError(model: string, output: string, given: number, rows: number): ForewarmError {
  return new ForewarmError(
    'FW_MODEL_OUTPUT_SIZE',
    `models.${model}: output ${output} gave ${given} values for ${rows} cells; one row of output per row of input is needed`,
  );
}
