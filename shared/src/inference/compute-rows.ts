import { cellText } from '../cache/grid';
import { encodeRow } from '../cache/row';
import { slices } from '../cache/slices';
import { asForewarmError, ForewarmError } from '../errors';
import type { OnnxModel } from '../model/onnx-model';
import { type ModelSpec, type RowInputs, rowFrame } from '../model/spec';
import type { CategoryFailure, PackedRow, RowsAnswer } from './protocol';

export interface ComputedRows extends RowsAnswer {
  readonly featuresMs: number;
  readonly inferMs: number;
  readonly packMs: number;
}

/**
 * Computes and packs the rows of these categories. A category whose values are not finite, or that makes the runtime
 * refuse, is a failure of its own and takes no other with it.
 * @param inputs by default the clock of now, and no features
 */
export async function computeRows(
  model: OnnxModel,
  categories: readonly string[],
  now: () => number,
  inputs: RowInputs = { clockMs: Date.now() },
): Promise<ComputedRows> {
  const frame = rowFrame(model.spec);
  const rows: PackedRow[] = [];
  const failures: CategoryFailure[] = [];
  const featuresBefore = model.featuresMs;
  let inferMs = 0;
  let packMs = 0;
  for (const slice of slices(categories, model.rowsPerCall)) {
    const began = performance.now();
    const results = await runRows(model, slice, inputs);
    const inferred = performance.now();
    const computedAtMs = now();
    for (const { category, values } of results) {
      const failure = values instanceof ForewarmError ? values : notFinite(values, model.spec);
      if (failure !== undefined) failures.push(failureOf(category, failure));
      else rows.push({ category, bytes: encodeRow(frame, values as Float32Array, computedAtMs), computedAtMs });
    }
    inferMs += inferred - began;
    packMs += performance.now() - inferred;
  }
  const featuresMs = model.featuresMs - featuresBefore;
  return { rows, failures, featuresMs, inferMs: inferMs - featuresMs, packMs };
}

interface RowResult {
  readonly category: string;
  readonly values: Float32Array | ForewarmError;
}

/** All rows in one call; when the runtime refuses it, one by one, so that only the guilty category fails. */
async function runRows(model: OnnxModel, categories: readonly string[], inputs: RowInputs): Promise<RowResult[]> {
  try {
    const values = await model.run(categories, inputs);
    const width = values.length / categories.length;
    return categories.map((category, i) => ({ category, values: values.subarray(i * width, (i + 1) * width) }));
  } catch (error) {
    const [category, ...others] = categories;
    if (category !== undefined && others.length === 0) {
      return [{ category, values: asForewarmError(error, 'FW_INFERENCE_FAILED') }];
    }
  }
  const results: RowResult[] = [];
  for (const category of categories) results.push(...(await runRows(model, [category], inputs)));
  return results;
}

function failureOf(category: string, { code, message, details }: ForewarmError): CategoryFailure {
  const { position } = details;
  return { category, code, message, ...(typeof position === 'number' && { position }) };
}

function notFinite(values: Float32Array, { axes, outputs }: ModelSpec): ForewarmError | undefined {
  for (let i = 0; i < values.length; i++) {
    if (!Number.isFinite(values[i])) {
      const where = `${outputs[i % outputs.length]} at ${cellText(axes, Math.floor(i / outputs.length))}`;
      const details = { position: i };
      return new ForewarmError('FW_VALUE_NOT_FINITE', `${where} is ${values[i]}`, { details });
    }
  }
  return undefined;
}
