import { createHash } from 'node:crypto';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { cellCount } from '../cache/grid';
import { setForLibrary } from '../config/environment';
import { ForewarmError, messageOf } from '../errors';
import { asFloat32 } from './element-types';
import { type Feed, FeedBuilder } from './feeds';
import { generationOf, identityOf } from './identity';
import { resolveBatch, resolveInputs, resolveOutputs, resolveValues } from './mapping';
import { readModelFile } from './model-file';
import type { ModelGraph } from './onnx-graph';
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
    return withSession(mapping, bytes, undefined, (session, hasZipMap) =>
      OnnxModel.settle(mapping, { bytes, session, hasZipMap }, probeCategories),
    );
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
    return withSession(spec, bytes, spec.hasZipMap, async (session) => {
      return new OnnxModel(spec, session, feedBuilder(spec, spec.graph.inputs));
    });
  }

  private static async settle(
    mapping: ModelMapping,
    { bytes, session, hasZipMap }: Loaded,
    probeCategories: readonly string[],
  ): Promise<OnnxModel> {
    const graph = { inputs: session.inputMetadata.map(describe), outputs: session.outputMetadata.map(describe) };
    const inputs = resolveInputs(mapping, graph.inputs);
    const fixedBatch = resolveBatch(mapping.name, graph.inputs);
    const names = resolveOutputs(mapping, graph.outputs).map(({ name }) => name);
    const feeds = feedBuilder({ ...mapping, inputs, fixedBatch }, graph.inputs);
    const { perOutput, rowMs } = await probe(mapping, session, feeds, names, probeCategories);
    const labels = labelsNeeded(mapping, perOutput) ? graphOf(mapping, bytes).labels : undefined;
    const given = names.map((name, i) => ({ name, count: perOutput[i] ?? 0, labels: labels?.get(name) }));
    const { outputs, picked } = resolveValues(mapping, given);
    const fileSha256 = sha256(bytes);
    const output = names.length === 1 ? (names[0] as string) : names;
    const identity = identityOf({ fileSha256, axes: mapping.axes, inputs, output, outputs, picked });
    const spec: ModelSpec = {
      ...mapping,
      fileSha256,
      fileBytes: bytes.length,
      identity,
      generation: generationOf(identity),
      modelVersion: mapping.version ?? fileSha256.slice(0, 12),
      ...{ inputs, output, outputs, picked, perOutput, fixedBatch, hasZipMap, rowMs, graph },
    };
    return new OnnxModel(spec, session, feeds);
  }

  get rowsPerCall(): number {
    return this.feeds.rowsPerCall;
  }

  /**
   * All cells of up to `rowsPerCall` categories: n·C·K float32 values, row by row.
   * @param clockMs what inputs of the clock are taken from, milliseconds since 1970 UTC; by default now
   * @throws ForewarmError FW_INFERENCE_FAILED, FW_MODEL_OUTPUT_SIZE, FW_MODEL_INPUT_VALUE, FW_VALUE_INEXACT
   */
  async run(categories: readonly string[], clockMs = Date.now()): Promise<Float32Array> {
    const began = performance.now();
    const feeds = this.feeds.build(categories, clockMs);
    this.featuresMs += performance.now() - began;
    const { spec } = this;
    const given = await runFeeds(spec, this.session, feeds, [spec.output].flat());
    given.perOutput.forEach((count, i) => {
      if (count !== spec.perOutput[i]) throw wrongSize(spec.name, [spec.output].flat()[i] ?? '', given, i);
    });
    return picked(given, spec.picked);
  }

  async release(): Promise<void> {
    await this.session.release();
  }
}

function sha256(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex');
}

interface Loaded {
  readonly bytes: Buffer;
  readonly session: InferenceSession;
  readonly hasZipMap: boolean;
}

/**
 * A session that is released again when what is made of it fails.
 * @param hasZipMap `undefined` where it is not known: then a model is loaded as it is first
 */
async function withSession(
  mapping: ModelMapping,
  bytes: Buffer,
  hasZipMap: boolean | undefined,
  make: (session: InferenceSession, hasZipMap: boolean) => Promise<OnnxModel>,
): Promise<OnnxModel> {
  let session = await createSession(mapping, hasZipMap ? graphReader().withoutZipMap(bytes) : bytes);
  let without = hasZipMap ?? false;
  try {
    // To read the graph of each model would take time and memory: only one with such an output can have a ZipMap.
    if (hasZipMap === undefined && session.outputMetadata.some(({ isTensor }) => !isTensor)) {
      without = graphOf(mapping, bytes).hasZipMap;
      if (without) {
        await session.release();
        session = await createSession(mapping, graphReader().withoutZipMap(bytes));
      }
    }
    return await make(session, without);
  } catch (error) {
    await session.release().catch(() => undefined);
    throw error;
  }
}

/** Loaded where it is needed: most models are not looked into, and every inference process would wait for it. */
function graphReader(): typeof import('./onnx-graph') {
  return require('./onnx-graph') as typeof import('./onnx-graph');
}

/** @throws ForewarmError FW_MODEL_NOT_ONNX */
function graphOf(mapping: Pick<ModelMapping, 'name' | 'file'>, bytes: Buffer): ModelGraph {
  try {
    return graphReader().readGraph(bytes);
  } catch (error) {
    const why = `models.${mapping.name}.file: the graph of ${mapping.file} cannot be read: ${oneLine(messageOf(error))}`;
    throw new ForewarmError('FW_MODEL_NOT_ONNX', why, { cause: error });
  }
}

/** Whether classes are to be picked, or several values have no names yet. */
function labelsNeeded({ classes, outputs }: ModelMapping, perOutput: readonly number[]): boolean {
  return classes !== undefined || (outputs === undefined && perOutput.some((count) => count > 1));
}

/** What a file begins with that Git LFS has not fetched. */
const LFS_POINTER = Buffer.from('version https://git-lfs.github.com/spec/');

async function createSession(mapping: ModelMapping, bytes: Uint8Array): Promise<InferenceSession> {
  try {
    return await InferenceSession.create(bytes, SESSION_OPTIONS);
  } catch (error) {
    const isPointer = Buffer.from(bytes.subarray(0, LFS_POINTER.length)).equals(LFS_POINTER);
    const why = isPointer ? 'it is the pointer that Git LFS leaves in place of a file' : oneLine(messageOf(error));
    throw new ForewarmError(
      'FW_MODEL_NOT_ONNX',
      `models.${mapping.name}.file: ${mapping.file} (${bytes.length} bytes) is not a model that the runtime can load: ${why}`,
      { next: isPointer ? 'Fetch the file itself: git lfs pull.' : undefined, cause: error },
    );
  }
}

function feedBuilder(
  spec: Pick<ModelSpec, 'name' | 'axes' | 'inputs' | 'fixedBatch'>,
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

/** Values per cell from real runs, since declared output shapes are often wrong or absent; and what a row costs. */
async function probe(
  mapping: ModelMapping,
  session: InferenceSession,
  feeds: FeedBuilder,
  outputs: readonly string[],
  categories: readonly string[],
): Promise<{ perOutput: readonly number[]; rowMs: number }> {
  const clockMs = Date.now();
  const run = (row: readonly string[]) => runFeeds(mapping, session, feeds.build(row, clockMs), outputs);
  const { category, given, ms } = await firstAnswer(categories, run);
  let rowMs = ms;
  if (feeds.rowsPerCall > 1) {
    const two = await run([category, category]);
    two.perOutput.forEach((count, i) => {
      if (count !== given.perOutput[i]) throw wrongSize(mapping.name, outputs[i] ?? '', two, i);
    });
  }
  for (let i = 0; i < MEASURED_RUNS && rowMs < QUICK_MS; i++) {
    const again = performance.now();
    await run([category]);
    rowMs = Math.min(rowMs, performance.now() - again);
  }
  return { perOutput: given.perOutput, rowMs };
}

/** One bad category must not keep the others from being served: the next one is tried. */
async function firstAnswer(
  categories: readonly string[],
  run: (row: readonly string[]) => Promise<GivenValues>,
): Promise<{ category: string; given: GivenValues; ms: number }> {
  let first: ForewarmError | undefined;
  for (const category of categories) {
    try {
      const began = performance.now();
      const given = await run([category]);
      return { category, given, ms: performance.now() - began };
    } catch (error) {
      if (!(error instanceof ForewarmError) || !OF_CATEGORIES.has(error.code)) throw error;
      first ??= error;
    }
  }
  const tried = categories.map((category) => JSON.stringify(category)).join(', ');
  const { code, next } = first ?? { code: 'FW_INFERENCE_FAILED' as const, next: undefined };
  throw new ForewarmError(code, `${messageOf(first)} (tried with ${tried})`, { next, cause: first });
}

/** What may be wrong with one category and not with another. */
const OF_CATEGORIES: ReadonlySet<string> = new Set(['FW_INFERENCE_FAILED', 'FW_MODEL_INPUT_VALUE', 'FW_VALUE_INEXACT']);

/** The values of some outputs, one after the other for each row of input. */
interface GivenValues {
  readonly values: Float32Array;
  readonly rows: number;
  readonly perOutput: readonly number[];
}

/** @throws ForewarmError FW_INFERENCE_FAILED, FW_MODEL_OUTPUT_SIZE, FW_MODEL_TYPE_UNSUPPORTED, FW_VALUE_INEXACT */
async function runFeeds(
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
function picked({ values, rows, perOutput }: GivenValues, places: readonly number[] | undefined): Float32Array {
  if (places === undefined) return values;
  const width = perOutput.reduce((sum, count) => sum + count, 0);
  const chosen = new Float32Array(rows * places.length);
  for (let row = 0; row < rows; row++) {
    for (const [i, place] of places.entries())
      chosen[row * places.length + i] = values[row * width + place] ?? Number.NaN;
  }
  return chosen;
}

async function runSession(
  mapping: Pick<ModelMapping, 'name'>,
  session: InferenceSession,
  feeds: Readonly<Record<string, Tensor>>,
  outputs: readonly string[],
): Promise<Float32Array[]> {
  let result: InferenceSession.ReturnType;
  try {
    result = await session.run(feeds, outputs);
  } catch (error) {
    const why = `models.${mapping.name}: the runtime refused a run: ${oneLine(messageOf(error))}`;
    throw new ForewarmError('FW_INFERENCE_FAILED', why, { cause: error });
  }
  return outputs.map((name) => asFloat32(result[name]?.data, `models.${mapping.name}: output ${name}`));
}

function countPerRow(model: string, output: string, length: number, rows: number): number {
  const count = length / rows;
  if (count >= 1 && Number.isInteger(count)) return count;
  throw sizeError(model, output, length, rows);
}

function wrongSize(
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

/** What the runtime says may take several lines, some of them empty. */
function oneLine(text: string): string {
  return text.trim().replaceAll(/\s+/g, ' ');
}

function describe(metadata: InferenceSession.ValueMetadata): TensorDescription {
  if (!metadata.isTensor) return { name: metadata.name, type: 'non-tensor', shape: [] };
  return { name: metadata.name, type: metadata.type, shape: [...metadata.shape] };
}
