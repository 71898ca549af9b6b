import { onnx } from 'onnx-proto';

/**
 * What the runtime does not tell of a model file, read from its graph; and the graph without ZipMap, whose output, one map per row, the
 * runtime for Node.js cannot return. Formats: onnx.proto of ONNX, and its operators of ai.onnx.ml.
 */

export interface ModelGraph {
  readonly producer: string;
  /** By domain; that of ONNX itself is `ai.onnx`. */
  readonly opsets: Readonly<Record<string, number>>;
  readonly metadata: Readonly<Record<string, string>>;
  /** Labels of the classes that an output has one value for each of, in their order. */
  readonly labels: ReadonlyMap<string, readonly string[]>;
  /** Texts that the model knows, by the input in which it looks for them. */
  readonly vocabularies: ReadonlyMap<string, readonly string[]>;
  /** Whether outputs come from ZipMap. */
  readonly hasZipMap: boolean;
}

const ZIP_MAP = 'ZipMap';
/** Nodes that give as many values as they take, in the same order. */
const SAME_COLUMNS = new Set([
  'Identity',
  'Cast',
  'Normalizer',
  'Softmax',
  'Clip',
  'Sigmoid',
  'Reshape',
  'Squeeze',
  'Unsqueeze',
  'Flatten',
  ZIP_MAP,
]);

/** @throws Error when these are not the bytes of a model */
export function readGraph(bytes: Uint8Array): ModelGraph {
  const model = onnx.ModelProto.decode(bytes);
  const graph = model.graph ?? {};
  const outputs = (graph.output ?? []).flatMap(({ name }) => (name ? [name] : []));
  const labels = outputs.flatMap((name): [string, readonly string[]][] => {
    const found = labelsOf(graph, name);
    return found === undefined ? [] : [[name, found]];
  });
  return {
    producer: [model.producerName, model.producerVersion].filter((text) => text).join(' '),
    opsets: Object.fromEntries(
      (model.opsetImport ?? []).map(({ domain, version }) => [domain || 'ai.onnx', Number(version)]),
    ),
    metadata: Object.fromEntries((model.metadataProps ?? []).map(({ key, value }) => [key ?? '', value ?? ''])),
    labels: new Map(labels),
    vocabularies: vocabulariesOf(graph),
    hasZipMap: zipMapsOf(graph).length > 0,
  };
}

/**
 * The same model, with the tensor of probabilities in the place, and under the name, of each output that is a ZipMap of it.
 * @throws Error when these are not the bytes of a model
 */
export function withoutZipMap(bytes: Uint8Array): Uint8Array {
  const model = onnx.ModelProto.decode(bytes);
  const { graph } = model;
  if (!graph) return bytes;
  const zipped = new Set(zipMapsOf(graph).map((node) => node.output?.[0]));
  for (const node of zipMapsOf(graph)) Object.assign(node, { opType: 'Identity', domain: '', attribute: [] });
  const float = { tensorType: { elemType: onnx.TensorProto.DataType.FLOAT } };
  for (const output of graph.output ?? [])
    if (zipped.has(output.name ?? undefined)) output.type = onnx.TypeProto.create(float);
  return onnx.ModelProto.encode(model).finish();
}

function zipMapsOf(graph: onnx.IGraphProto): onnx.INodeProto[] {
  return (graph.node ?? []).filter(({ opType }) => opType === ZIP_MAP);
}

/** From the ZipMap or the classifier that the output comes from, through nodes that leave its columns as they are. */
function labelsOf(graph: onnx.IGraphProto, output: string): string[] | undefined {
  const makers = makersOf(graph);
  for (let name: string | undefined = output; name; ) {
    const node = makers.get(name);
    // Each node is gone through once: a graph that bites its tail is no model, and does not hang this.
    if (node === undefined || !makers.delete(name)) return undefined;
    const labels = classLabels(node);
    // The first output of a classifier is the label itself.
    if (labels !== undefined) return node.opType === ZIP_MAP || node.output?.[1] === name ? labels : undefined;
    name = SAME_COLUMNS.has(node.opType ?? '') ? (node.input?.[0] ?? undefined) : undefined;
  }
  return undefined;
}

/** Of encoders that take an input as it is. */
function vocabulariesOf(graph: onnx.IGraphProto): Map<string, string[]> {
  const inputs = new Set((graph.input ?? []).map(({ name }) => name ?? ''));
  const makers = makersOf(graph);
  const found = new Map<string, string[]>();
  for (const node of graph.node ?? []) {
    const texts = node.attribute?.find(({ name }) => name === 'keys_strings' || name === 'cats_strings')?.strings ?? [];
    const source = texts.length === 0 ? undefined : sourceOf(node.input?.[0] ?? '', inputs, new Map(makers));
    if (source !== undefined && !found.has(source)) found.set(source, texts.map(textOf));
  }
  return found;
}

function sourceOf(from: string, inputs: ReadonlySet<string>, makers: Map<string, onnx.INodeProto>): string | undefined {
  for (let name: string | undefined = from; name; ) {
    if (inputs.has(name)) return name;
    const node = makers.get(name);
    if (node === undefined || !makers.delete(name) || !SAME_COLUMNS.has(node.opType ?? '')) return undefined;
    name = node.input?.[0];
  }
  return undefined;
}

function makersOf(graph: onnx.IGraphProto): Map<string, onnx.INodeProto> {
  return new Map((graph.node ?? []).flatMap((node) => (node.output ?? []).map((name) => [name, node] as const)));
}

function textOf(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('utf8');
}

function classLabels(node: onnx.INodeProto): string[] | undefined {
  const attribute = (name: string) => (node.attribute ?? []).find((candidate) => candidate.name === name);
  const texts = (attribute('classlabels_strings') ?? attribute('classlabels_string'))?.strings ?? [];
  if (texts.length > 0) return texts.map(textOf);
  const numbers = (attribute('classlabels_int64s') ?? attribute('classlabels_ints'))?.ints ?? [];
  return numbers.length > 0 ? numbers.map(String) : undefined;
}
