import { createHash } from 'node:crypto';
import { type InferenceSession, Tensor } from 'onnxruntime-node';
import { cellCount } from '../cache/grid';
import { ForewarmError, messageOf } from '../errors';
import { FeedBuilder } from './feeds';
import { generationOf, identityOf } from './identity';
import { resolveBatch, resolveInputs, resolveOutputs, resolveValues } from './mapping';
import { readModelFile } from './model-file';
import { describeTensor, graphOf, withSession } from './onnx-session';
import { type GivenValues, pick, runFeeds, wrongSize } from './run-feeds';
import type { FeatureRows, ModelMapping, ModelSpec, RowInputs, TensorDescription } from './spec';

/**
 * A loaded ONNX model with its mapping. `run` blocks the thread that calls it, for as long as it takes: the daemon loads
 * models in inference processes only.
 */

/** Cells to a call of the runtime: 16 rows of the sample. Larger calls are slower for small models. */
const CELLS_PER_CALL = 2_688;

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
  static async open(
    mapping: ModelMapping,
    probeCategories: readonly string[],
    features?: FeatureRows,
  ): Promise<OnnxModel> {
    const bytes = await readModelFile(mapping);
    return withSession(mapping, bytes, undefined, (session, hasZipMap) =>
      OnnxModel.settle(mapping, { bytes, session, hasZipMap }, probeCategories, features),
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
    features: FeatureRows | undefined,
  ): Promise<OnnxModel> {
    const graph = {
      inputs: session.inputMetadata.map(describeTensor),
      outputs: session.outputMetadata.map(describeTensor),
    };
    const inputs = resolveInputs(mapping, graph.inputs);
    const fixedBatch = resolveBatch(mapping.name, graph.inputs);
    const names = resolveOutputs(mapping, graph.outputs).map(({ name }) => name);
    const feeds = feedBuilder({ ...mapping, inputs, fixedBatch }, graph.inputs);
    const { perOutput, rowMs } = await probe(mapping, session, feeds, names, probeCategories, features);
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
   * @param inputs by default the clock of now, and no features
   * @throws ForewarmError FW_INFERENCE_FAILED, FW_MODEL_OUTPUT_SIZE, FW_MODEL_INPUT_VALUE, FW_FEATURE_MISSING, FW_VALUE_INEXACT
   */
  async run(categories: readonly string[], inputs: RowInputs = { clockMs: Date.now() }): Promise<Float32Array> {
    const began = performance.now();
    const feeds = this.feeds.build(categories, inputs);
    this.featuresMs += performance.now() - began;
    const { spec } = this;
    const given = await runFeeds(spec, this.session, feeds, [spec.output].flat());
    given.perOutput.forEach((count, i) => {
      if (count !== spec.perOutput[i]) throw wrongSize(spec.name, [spec.output].flat()[i] ?? '', given, i);
    });
    return pick(given, spec.picked);
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

/** Whether classes are to be picked, or several values have no names yet. */
function labelsNeeded({ classes, outputs }: ModelMapping, perOutput: readonly number[]): boolean {
  return classes !== undefined || (outputs === undefined && perOutput.some((count) => count > 1));
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
  features: FeatureRows | undefined,
): Promise<{ perOutput: readonly number[]; rowMs: number }> {
  const inputs = { clockMs: Date.now(), features };
  const run = (row: readonly string[]) => runFeeds(mapping, session, feeds.build(row, inputs), outputs);
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
const OF_CATEGORIES: ReadonlySet<string> = new Set([
  'FW_INFERENCE_FAILED',
  'FW_MODEL_INPUT_VALUE',
  'FW_FEATURE_MISSING',
  'FW_VALUE_INEXACT',
]);
