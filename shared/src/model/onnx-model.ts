import { createHash } from 'node:crypto';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { cellCount } from '../cache/grid';
import { setForLibrary } from '../config/environment';
import { ForewarmError, messageOf } from '../errors';
import { FeedBuilder } from './feeds';
import { generationOf, identityOf } from './identity';
import { resolveInputs, resolveOutput, resolveOutputNames } from './mapping';
import { readModelFile } from './model-file';
import type { ModelMapping, ModelSpec, TensorDescription } from './spec';

/**
 * A loaded ONNX model with its mapping. `run` blocks the thread that calls it, for as long as it takes: the daemon loads
 * models in inference processes only.
 */

// From 1.29 on the runtime tells its maker about the models that it runs, unless this is set before its first session.
setForLibrary('ORT_DISABLE_TELEMETRY', '1');

/** Cells to a call of the runtime: 16 rows of the sample. Larger calls are slower for small models. */
const CELLS_PER_CALL = 2_688;

/** With more threads the last bits of tree models change with the batch size: a cached value must equal direct inference. */
const SESSION_OPTIONS: InferenceSession.SessionOptions = {
  intraOpNumThreads: 1,
  interOpNumThreads: 1,
  executionMode: 'sequential',
  // Its errors reach us as exceptions; what it would print beside them is no log line.
  logSeverityLevel: 4,
};

export function rowsPerCall(cells: number): number {
  return Math.max(1, Math.floor(CELLS_PER_CALL / cells));
}

export class OnnxModel {
  readonly spec: ModelSpec;
  /** Milliseconds spent on building the inputs of runs since it was opened. */
  featuresMs = 0;
  private readonly session: InferenceSession;
  private readonly feeds: FeedBuilder;

  private constructor(spec: ModelSpec, session: InferenceSession, feeds: FeedBuilder) {
    this.spec = spec;
    this.session = session;
    this.feeds = feeds;
  }

  /**
   * Reads, loads and checks the model, and tries it on the row of one category: the first of these that it does not refuse.
   * @throws ForewarmError FW_MODEL_*, FW_INFERENCE_FAILED
   */
  static async open(mapping: ModelMapping, probeCategories: readonly string[]): Promise<OnnxModel> {
    const bytes = await readModelFile(mapping);
    return withSession(mapping, bytes, (session) => OnnxModel.settle(mapping, bytes, session, probeCategories));
  }

  /**
   * Loads a model that was opened before, perhaps in another process. It is not tried again: what it is is known, and the
   * category on which it would be tried may be one that it refuses.
   * @throws ForewarmError FW_MODEL_CHANGED when the file is another one now; FW_MODEL_FILE_MISSING, FW_MODEL_NOT_ONNX
   */
  static async reopen(spec: ModelSpec): Promise<OnnxModel> {
    const bytes = await readModelFile(spec);
    if (sha256(bytes) !== spec.fileSha256) {
      throw new ForewarmError(
        'FW_MODEL_CHANGED',
        `models.${spec.name}: ${spec.file} is not the file that generation ${spec.generation} was planned for`,
      );
    }
    return withSession(spec, bytes, async (session) => {
      return new OnnxModel(spec, session, feedBuilder(spec, spec.graph.inputs));
    });
  }

  private static async settle(
    mapping: ModelMapping,
    bytes: Buffer,
    session: InferenceSession,
    probeCategories: readonly string[],
  ): Promise<OnnxModel> {
    const graph = { inputs: session.inputMetadata.map(describe), outputs: session.outputMetadata.map(describe) };
    const inputs = resolveInputs(mapping, graph.inputs);
    const output = resolveOutput(mapping, graph.outputs).name;
    const feeds = feedBuilder({ ...mapping, inputs }, graph.inputs);
    const { perCell, rowMs } = await probe(mapping, session, feeds, output, probeCategories);
    const outputs = resolveOutputNames(mapping, output, perCell);
    const fileSha256 = sha256(bytes);
    const identity = identityOf({ fileSha256, axes: mapping.axes, inputs, output, outputs });
    const spec: ModelSpec = {
      ...mapping,
      fileSha256,
      fileBytes: bytes.length,
      identity,
      generation: generationOf(identity),
      modelVersion: mapping.version ?? fileSha256.slice(0, 12),
      inputs,
      output,
      outputs,
      rowMs,
      graph,
    };
    return new OnnxModel(spec, session, feeds);
  }

  get rowsPerCall(): number {
    return this.feeds.rowsPerCall;
  }

  /**
   * All cells of up to `rowsPerCall` categories, one call of the runtime: n·C·K float32 values, row by row.
   * @throws ForewarmError FW_INFERENCE_FAILED, FW_MODEL_OUTPUT_SIZE, FW_MODEL_INPUT_VALUE
   */
  async run(categories: readonly string[]): Promise<Float32Array> {
    const began = performance.now();
    const feeds = this.feeds.build(categories);
    this.featuresMs += performance.now() - began;
    const values = await runSession(this.spec, this.session, feeds, this.spec.output);
    const expected = categories.length * cellCount(this.spec.axes) * this.spec.outputs.length;
    if (values.length !== expected) throw wrongSize(this.spec.name, this.spec.output, values.length, expected);
    return values;
  }

  async release(): Promise<void> {
    await this.session.release();
  }
}

function sha256(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex');
}

/** A session that is released again when what is made of it fails. */
async function withSession(
  mapping: ModelMapping,
  bytes: Buffer,
  make: (session: InferenceSession) => Promise<OnnxModel>,
): Promise<OnnxModel> {
  const session = await createSession(mapping, bytes);
  try {
    return await make(session);
  } catch (error) {
    await session.release();
    throw error;
  }
}

async function createSession(mapping: ModelMapping, bytes: Buffer): Promise<InferenceSession> {
  try {
    return await InferenceSession.create(bytes, SESSION_OPTIONS);
  } catch (error) {
    throw new ForewarmError(
      'FW_MODEL_NOT_ONNX',
      `models.${mapping.name}.file: ${mapping.file} (${bytes.length} bytes) is not a model that the runtime can load: ` +
        oneLine(messageOf(error)),
      { cause: error },
    );
  }
}

function feedBuilder(
  spec: Pick<ModelSpec, 'name' | 'axes' | 'inputs'>,
  inputs: readonly TensorDescription[],
): FeedBuilder {
  const make = Tensor as unknown as new (type: string, data: unknown, dims: readonly number[]) => Tensor;
  const rows = rowsPerCall(cellCount(spec.axes));
  return new FeedBuilder(spec, inputs, rows, (type, data, shape) => new make(type, data, shape));
}

/** A model that is slower than this is not run again to be measured. */
const QUICK_MS = 100;
/** The quickest of so many runs: a machine can only make it slower. */
const MEASURED_RUNS = 3;

/** Values per cell, K, from real runs, since declared output shapes are often wrong or absent; and what a row costs. */
async function probe(
  mapping: ModelMapping,
  session: InferenceSession,
  feeds: FeedBuilder,
  output: string,
  categories: readonly string[],
): Promise<{ perCell: number; rowMs: number }> {
  const cells = cellCount(mapping.axes);
  const { category, values: one, ms } = await firstAnswer(mapping, session, feeds, output, categories);
  let rowMs = ms;
  const perCell = one.length / cells;
  if (perCell < 1 || !Number.isInteger(perCell)) throw wrongSize(mapping.name, output, one.length, cells);
  if (feeds.rowsPerCall > 1) {
    const two = await runSession(mapping, session, feeds.build([category, category]), output);
    if (two.length !== 2 * one.length) throw wrongSize(mapping.name, output, two.length, 2 * one.length);
  }
  for (let i = 0; i < MEASURED_RUNS && rowMs < QUICK_MS; i++) {
    const again = performance.now();
    await runSession(mapping, session, feeds.build([category]), output);
    rowMs = Math.min(rowMs, performance.now() - again);
  }
  return { perCell, rowMs };
}

/** One bad category must not keep the others from being served: the next one is tried. */
async function firstAnswer(
  mapping: ModelMapping,
  session: InferenceSession,
  feeds: FeedBuilder,
  output: string,
  categories: readonly string[],
): Promise<{ category: string; values: Float32Array; ms: number }> {
  let first: unknown;
  for (const category of categories) {
    try {
      const began = performance.now();
      const values = await runSession(mapping, session, feeds.build([category]), output);
      return { category, values, ms: performance.now() - began };
    } catch (error) {
      if (!(error instanceof ForewarmError) || error.code !== 'FW_INFERENCE_FAILED') throw error;
      first ??= error;
    }
  }
  const tried = categories.map((category) => JSON.stringify(category)).join(', ');
  throw new ForewarmError('FW_INFERENCE_FAILED', `${messageOf(first)} (tried with ${tried})`, { cause: first });
}

async function runSession(
  mapping: Pick<ModelMapping, 'name'>,
  session: InferenceSession,
  feeds: Record<string, Tensor>,
  output: string,
): Promise<Float32Array> {
  let result: InferenceSession.ReturnType;
  try {
    result = await session.run(feeds, [output]);
  } catch (error) {
    const why = `models.${mapping.name}: the runtime refused a run: ${oneLine(messageOf(error))}`;
    throw new ForewarmError('FW_INFERENCE_FAILED', why, { cause: error });
  }
  const data = (result[output] as Tensor).data;
  if (data instanceof Float32Array) return data;
  if (data instanceof Float64Array) return Float32Array.from(data);
  throw new ForewarmError(
    'FW_MODEL_TYPE_UNSUPPORTED',
    `models.${mapping.name}: output ${output} is not of a float type`,
  );
}

function wrongSize(model: string, output: string, given: number, expected: number): ForewarmError {
  return new ForewarmError(
    'FW_MODEL_OUTPUT_SIZE',
    `models.${model}: output ${output} gave ${given} values for ${expected} cells; one row of output per row of input is needed`,
  );
}

/** What the runtime says may take several lines, some of them empty. */
function oneLine(text: string): string {
  return text.trim().replaceAll(/\s+/g, ' ');
}

function describe(metadata: InferenceSession.ValueMetadata): TensorDescription {
  if (!metadata.isTensor) return { name: metadata.name, type: 'non-tensor', shape: [] };
  return { name: metadata.name, type: metadata.type, shape: [...metadata.shape] };
}
