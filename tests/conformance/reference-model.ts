import { InferenceSession, Tensor } from 'onnxruntime-node';
import { cellCount, coordinatesOf } from '#shared/cache/grid';
import { encodeRow } from '#shared/cache/row';
import { OnnxModel } from '#shared/model/onnx-model';
import { type ModelSpec, rowFrame } from '#shared/model/spec';
import { liveGeneration } from '#shared/tiers/live-generation';
import type { LiveGeneration } from '#shared/tiers/tier';

const DAYS = [0, 1, 2, 3];
const HOURS = [0, 1, 2, 3, 4, 5];
/** Those of the usual small model of tests. */
export const AXES = [
  { name: 'day', values: DAYS },
  { name: 'hour', values: HOURS },
];

/** A model file as a test asks it itself, past everything that is tested. */
export class ReferenceModel {
  readonly live: LiveGeneration;
  private readonly spec: ModelSpec;
  private readonly session: InferenceSession;

  private constructor(spec: ModelSpec, session: InferenceSession) {
    this.spec = spec;
    this.session = session;
    this.live = liveGeneration('forewarm', { ...spec, model: spec.name, publishedAt: undefined });
  }

  /** @param category one that the model answers */
  static async open(file: string, category: string): Promise<ReferenceModel> {
    const mapping = { name: 'm', file, axes: AXES, inputs: {}, ...{ version: undefined, output: undefined } };
    const model = await OnnxModel.open({ ...mapping, outputs: undefined }, [category]);
    await model.release();
    return new ReferenceModel(model.spec, await InferenceSession.create(file, { intraOpNumThreads: 1 }));
  }

  async values(category: string): Promise<Float32Array> {
    const cells = Array.from({ length: cellCount(AXES) }, (_, cell) => coordinatesOf(AXES, cell));
    const whole = (axis: number) => BigInt64Array.from(cells, (cell) => BigInt(cell[axis] ?? 0));
    const { prediction } = await this.session.run({
      day: new Tensor('int64', whole(0), [cells.length]),
      hour: new Tensor('int64', whole(1), [cells.length]),
      category: new Tensor('string', Array<string>(cells.length).fill(category), [cells.length]),
    });
    return prediction?.data as Float32Array;
  }

  /** The row as a store holds it. */
  async bytes(category: string, computedAtMs = 1_700_000_000_000): Promise<Buffer> {
    return encodeRow(rowFrame(this.spec), await this.values(category), computedAtMs);
  }

  close(): Promise<void> {
    return this.session.release();
  }
}

/** For comparing bit for bit: NaN and -0 are what they are. */
export function bitsOf(values: Float32Array | undefined): number[] {
  return values === undefined ? [] : [...new Uint32Array(values.slice().buffer)];
}
