import type { Axis } from '../cache/grid';
import { cellCount } from '../cache/grid';
import type { RowFrame } from '../cache/row';
import { IDENTITY_BYTES } from '../cache/row';

/** Where a model input takes its values from. */
export type InputSource =
  | { readonly from: 'axis'; readonly axis: string }
  | { readonly from: 'category' }
  | { readonly from: 'constant'; readonly value: number | string };

/** What the configuration says of a model, as far as inference needs it. */
export interface ModelMapping {
  readonly name: string;
  /** Absolute path of the ONNX file. */
  readonly file: string;
  readonly version: string | undefined;
  readonly axes: readonly Axis[];
  /** By model input name; inputs that are absent here are matched by name to an axis or to the category. */
  readonly inputs: Readonly<Record<string, InputSource>>;
  /** The model output to store; may be absent when the model has one only. */
  readonly output: string | undefined;
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
  readonly output: string;
  readonly outputs: readonly string[];
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
