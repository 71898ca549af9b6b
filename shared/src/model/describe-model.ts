import { createHash } from 'node:crypto';
import { readModelFile } from './model-file';
import { describeTensor, graphOf, withSession } from './onnx-session';
import type { TensorDescription } from './spec';

/** What a model file tells of itself. */
export interface ModelFacts {
  readonly file: string;
  readonly bytes: number;
  readonly sha256: string;
  readonly producer: string;
  /** By domain. */
  readonly opsets: Readonly<Record<string, number>>;
  readonly metadata: Readonly<Record<string, string>>;
  readonly inputs: readonly TensorDescription[];
  /** Those that come from ZipMap as they are without it. */
  readonly outputs: readonly TensorDescription[];
  readonly hasZipMap: boolean;
  /** By output: labels of the classes that it has a value for each of. */
  readonly labels: Readonly<Record<string, readonly string[]>>;
  /** By input: texts that the model knows there. */
  readonly vocabularies: Readonly<Record<string, readonly string[]>>;
}

/** @throws ForewarmError FW_MODEL_FILE_MISSING, FW_MODEL_NOT_ONNX */
export async function describeModel(file: string): Promise<ModelFacts> {
  const bytes = await readModelFile({ file });
  return withSession({ file }, bytes, undefined, async (session, hasZipMap) => {
    const { producer, opsets, metadata, labels, vocabularies } = graphOf({ file }, bytes);
    const facts: ModelFacts = {
      ...{ file, bytes: bytes.length, sha256: createHash('sha256').update(bytes).digest('hex') },
      ...{ producer, opsets, metadata, hasZipMap },
      inputs: session.inputMetadata.map(describeTensor),
      outputs: session.outputMetadata.map(describeTensor),
      labels: Object.fromEntries(labels),
      vocabularies: Object.fromEntries(vocabularies),
    };
    await session.release();
    return facts;
  });
}
