import type { Axis } from '../cache/grid';
import { cellCount } from '../cache/grid';
import type { RowFrame } from '../cache/row';
import { IDENTITY_BYTES } from '../cache/row';

/** How a value becomes several columns: one per value it may have, or its sine and cosine on a circle. */
export const TRANSFORMS = ['onehot', 'cyclic'] as const;
export type Transform = (typeof TRANSFORMS)[number];

/** What can be read off the clock when a cycle begins. */
export const CLOCK_FIELDS = ['year', 'month', 'day', 'dayOfYear', 'weekday', 'hour', 'minute', 'unixTime'] as const;
export type ClockField = (typeof CLOCK_FIELDS)[number];

/** Where one column of a model input, or some columns by a transform, take their values from. */
export type ColumnSource =
  | { readonly from: 'axis'; readonly axis: string; readonly transform?: Transform | undefined }
  /** Itself, or its place in a vocabulary outside of which no category is known. */
  | { readonly from: 'category' }
  | { readonly from: 'category'; readonly as: 'index' | 'onehot'; readonly vocabulary: readonly string[] }
  | { readonly from: 'constant'; readonly value: number | string | boolean }
  /** What a table has of the category, which changes while the model does not. */
  | { readonly from: 'feature'; readonly feature: string }
  | {
      readonly from: 'clock';
      readonly field: ClockField;
      readonly timezone: string;
      readonly transform?: Transform | undefined;
    };

/** Where a model input takes its values from: one source, or one after the other for the columns of a matrix. */
export type InputSource = ColumnSource | { readonly from: 'columns'; readonly columns: readonly ColumnSource[] };

export function columnsOf(source: InputSource): readonly ColumnSource[] {
  return source.from === 'columns' ? source.columns : [source];
}

/** What a feature of a category may be. */
export type FeatureValue = number | string | boolean;
/** The features of one category, in the order of `featureNames`; `null` is one that is missing. */
export type FeatureRow = readonly (FeatureValue | null)[];
/** By category. */
export type FeatureRows = ReadonlyMap<string, FeatureRow>;

/** The features that inputs take, each once, in the order in which they are named first. */
export function featureNames(inputs: Readonly<Record<string, InputSource>>): string[] {
  const columns = Object.values(inputs).flatMap(columnsOf);
  return [...new Set(columns.flatMap((column) => (column.from === 'feature' ? [column.feature] : [])))];
}

/** What the inputs of a cycle are made of, beside the categories themselves. */
export interface RowInputs {
  /** What inputs of the clock are taken from: the beginning of the cycle, milliseconds since 1970 UTC. */
  readonly clockMs: number;
  /** For a model with features: those of each category. */
  readonly features?: FeatureRows | undefined;
}

/** What the configuration says of a model, as far as inference needs it. */
export interface ModelMapping {
  readonly name: string;
  /** Absolute path of the ONNX file. */
  readonly file: string;
  readonly version: string | undefined;
  readonly axes: readonly Axis[];
  /** By model input name; inputs that are absent here are matched by name to an axis or to the category. */
  readonly inputs: Readonly<Record<string, InputSource>>;
  /** The model outputs to store; may be absent when the model has one only. */
  readonly output: string | readonly string[] | undefined;
  /** Of a classifier: the classes whose probabilities are stored, and their order; may be absent. */
  readonly classes?: readonly string[] | undefined;
  /** Names of the K values per cell; may be absent. */
  readonly outputs: readonly string[] | undefined;
}

/** An input or output of an ONNX graph as the runtime describes it. */
export interface TensorDescription {
  readonly name: string;
  /** Element type, such as `float32`; `non-tensor` for sequences and maps. */
  readonly type: string;
  /** Symbolic dimensions are strings. */
  readonly shape: readonly (number | string)[];
}

/** A model file that was loaded, checked against its mapping and tried once: all that a batch needs to know. */
export interface ModelSpec extends ModelMapping {
  readonly fileSha256: string;
  readonly fileBytes: number;
  /** SHA-256 over model bytes, axes, input and output mapping; 64 hexadecimal digits. */
  readonly identity: string;
  /** The generation's id: the first 12 digits of the identity. */
  readonly generation: string;
  readonly modelVersion: string;
  /** Every model input with its source. */
  readonly inputs: Readonly<Record<string, InputSource>>;
  readonly output: string | readonly string[];
  readonly outputs: readonly string[];
  /** Which of the values that the outputs give per cell are stored; absent when all are. */
  readonly picked?: readonly number[] | undefined;
  /** Values per cell that each of the outputs gives. */
  readonly perOutput: readonly number[];
  /** Rows of input that a run takes, where the model has that fixed. */
  readonly fixedBatch: number | undefined;
  /** Whether the graph ends in ZipMap, which the runtime cannot return: it is loaded without. */
  readonly hasZipMap: boolean;
  /** Milliseconds that the inference of one row took when the file was tried: an estimate, and no part of the identity. */
  readonly rowMs: number;
  readonly graph: { readonly inputs: readonly TensorDescription[]; readonly outputs: readonly TensorDescription[] };
}

/** What every row of the model's generation looks like. */
export function rowFrame(spec: Pick<ModelSpec, 'axes' | 'outputs' | 'identity'>): RowFrame {
  return {
    cells: cellCount(spec.axes),
    outputs: spec.outputs.length,
    identity: Buffer.from(spec.identity.slice(0, 2 * IDENTITY_BYTES), 'hex'),
  };
}
