import { InferenceSession, type Tensor } from 'onnxruntime-node';
import { setForLibrary } from '../config/environment';
import { ForewarmError, messageOf } from '../errors';
import { asFloat32 } from './element-types';
import { type FileOf, settingOf } from './model-file';
import type { ModelGraph } from './onnx-graph';
import type { ModelMapping, TensorDescription } from './spec';

/** Sessions of ONNX Runtime: how a file is loaded, described and run. */

// From 1.29 on the runtime tells its maker about the models that it runs, unless this is set before its first session.
setForLibrary('ORT_DISABLE_TELEMETRY', '1');

/** With more threads the last bits of tree models change with the batch size: a cached value must equal direct inference. */
const SESSION_OPTIONS: InferenceSession.SessionOptions = {
  intraOpNumThreads: 1,
  interOpNumThreads: 1,
  executionMode: 'sequential',
  // Its errors reach us as exceptions; what it would print beside them is no log line.
  logSeverityLevel: 4,
};

/**
 * A session that is released again when what is made of it fails.
 * @param hasZipMap `undefined` where it is not known: then a model is loaded as it is first
 */
export async function withSession<T>(
  mapping: FileOf,
  bytes: Buffer,
  hasZipMap: boolean | undefined,
  make: (session: InferenceSession, hasZipMap: boolean) => Promise<T>,
): Promise<T> {
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
export function graphOf(mapping: FileOf, bytes: Buffer): ModelGraph {
  try {
    return graphReader().readGraph(bytes);
  } catch (error) {
    const why = `${settingOf(mapping)}the graph of ${mapping.file} cannot be read: ${oneLine(messageOf(error))}`;
    throw new ForewarmError('FW_MODEL_NOT_ONNX', why, { cause: error });
  }
}

/** What a file begins with that Git LFS has not fetched. */
const LFS_POINTER = Buffer.from('version https://git-lfs.github.com/spec/');

async function createSession(mapping: FileOf, bytes: Uint8Array): Promise<InferenceSession> {
  try {
    return await InferenceSession.create(bytes, SESSION_OPTIONS);
  } catch (error) {
    const isPointer = Buffer.from(bytes.subarray(0, LFS_POINTER.length)).equals(LFS_POINTER);
    const why = isPointer ? 'it is the pointer that Git LFS leaves in place of a file' : oneLine(messageOf(error));
    throw new ForewarmError(
      'FW_MODEL_NOT_ONNX',
      `${settingOf(mapping)}${mapping.file} (${bytes.length} bytes) is not a model that the runtime can load: ${why}`,
      { next: isPointer ? 'Fetch the file itself: git lfs pull.' : undefined, cause: error },
    );
  }
}

/** @throws ForewarmError FW_INFERENCE_FAILED, FW_MODEL_TYPE_UNSUPPORTED, FW_VALUE_INEXACT */
export async function runSession(
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

/** What the runtime says may take several lines, some of them empty. */
function oneLine(text: string): string {
  return text.trim().replaceAll(/\s+/g, ' ');
}

export function describeTensor(metadata: InferenceSession.ValueMetadata): TensorDescription {
  if (!metadata.isTensor) return { name: metadata.name, type: 'non-tensor', shape: [] };
  return { name: metadata.name, type: metadata.type, shape: [...metadata.shape] };
}
