import { onnx } from 'onnx-proto';

/** Small ONNX models for tests, built in memory. Each function answers the bytes of a model file. */

export type InputType = 'float' | 'double' | 'int32' | 'int64' | 'string';

export interface ModelInput {
  readonly name: string;
  readonly type: InputType;
  /** Absent: shape [N]. Given: shape [N, width], 1 for the column that scikit-learn exports. */
  readonly width?: number;
  /** What the output gains per unit of each column, for each output column: `weights[column][k]`. Default: see `linearAnswer`. */
  readonly weights?: readonly (readonly number[])[];
  /** For `string`: the number each value stands for. Default: none. */
  readonly labels?: Readonly<Record<string, number>>;
  /** For `string`: the number any other value stands for. Default: 0. */
  readonly unknownLabel?: number;
}

/** True for a row of the batch whose (first column of the) input equals the value, or one of these. */
export interface When {
  readonly input: string;
  readonly equals: number | string | readonly string[];
}

export interface LinearModel {
  readonly inputs: readonly ModelInput[];
  /** K, the columns of the output. Default: 1. */
  readonly outputs?: number;
  /** Default: 'prediction'. */
  readonly outputName?: string;
  /** Default: 'float'. */
  readonly outputType?: InputType;
  /** Default: 0. */
  readonly bias?: number;
  /** Rows that get this number (default NaN) in every column. */
  readonly poison?: When & { readonly value?: number };
  /** A detour of this many rounds, once a call: always, or only when the batch has such a row. About 100,000 a second. */
  readonly slow?: { readonly iterations: number; readonly when?: When };
  /**
   * Kills the process that runs it, with SIGFPE: while it loads, or at a batch that has such a row. The smallest 64-bit integer
   * divided by -1 does not fit, and the runtime does not check that; on processors of other kinds than x86-64 it is no fault.
   */
  readonly crash?: 'load' | { readonly when: When };
  /** Distinguishes models that answer alike: it is in the file's bytes only. */
  readonly note?: string;
}

const { DataType } = onnx.TensorProto;
const { AttributeType } = onnx.AttributeProto;
const elementTypes: Record<InputType, number> = {
  float: DataType.FLOAT,
  double: DataType.DOUBLE,
  int32: DataType.INT32,
  int64: DataType.INT64,
  string: DataType.STRING,
};
/** Side of the square matrix that a round of the slow detour multiplies with itself. */
const slowSide = 64;

const floats = (name: string, dims: number[], data: number[]): onnx.ITensorProto => ({
  name,
  dims,
  dataType: DataType.FLOAT,
  floatData: data,
});
const integers = (name: string, dims: number[], data: number[]): onnx.ITensorProto => ({
  name,
  dims,
  dataType: DataType.INT64,
  int64Data: data,
});
const integerAttribute = (name: string, i: number): onnx.IAttributeProto => ({ name, type: AttributeType.INT, i });
const tensorNamed = (name: string, elemType: number, dims?: (number | string)[]): onnx.IValueInfoProto => ({
  name,
  type: {
    tensorType: {
      elemType,
      ...(dims && {
        shape: { dim: dims.map((size) => (typeof size === 'string' ? { dimParam: size } : { dimValue: size })) },
      }),
    },
  },
});

/** Nodes and constants in the order they are added; each `node` answers the name of its output. */
class GraphBuilder {
  readonly nodes: onnx.INodeProto[] = [];
  readonly constants: onnx.ITensorProto[] = [];
  #count = 0;

  node(opType: string, input: string[], attribute: onnx.IAttributeProto[] = [], domain = ''): string {
    const output = this.fresh(opType);
    this.nodes.push({ opType, domain, input, output: [output], attribute, name: output });
    return output;
  }

  floats(dims: number[], data: number[]): string {
    const name = this.fresh('constant');
    this.constants.push(floats(name, dims, data));
    return name;
  }

  integers(dims: number[], data: number[]): string {
    const name = this.fresh('constant');
    this.constants.push(integers(name, dims, data));
    return name;
  }

  /** -2^63, which no JavaScript number of the encoder holds. */
  smallestInteger(): string {
    const name = this.fresh('constant');
    this.constants.push({
      name,
      dims: [1],
      dataType: DataType.INT64,
      rawData: Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 0x80),
    });
    return name;
  }

  fresh(word: string): string {
    this.#count += 1;
    return `${word}_${this.#count}`;
  }
}

function encode(graph: onnx.IGraphProto): Uint8Array {
  const model = {
    irVersion: 8,
    producerName: 'forewarm-tests',
    opsetImport: [
      { domain: '', version: 13 },
      { domain: 'ai.onnx.ml', version: 2 },
    ],
    graph,
  };
  return new Uint8Array(onnx.ModelProto.encode(onnx.ModelProto.create(model)).finish());
}

const widthOf = (input: ModelInput): number => input.width ?? 1;
const shapeOf = (input: ModelInput): (number | string)[] => (input.width === undefined ? ['N'] : ['N', input.width]);
const firstColumn = (spec: LinearModel, index: number): number =>
  spec.inputs.slice(0, index).reduce((sum, input) => sum + widthOf(input), 0);

/** The weight of an input's column in output `k`: as given, or (number of the column among all, from 1) / (k + 1). */
function weight(spec: LinearModel, index: number, column: number, k: number): number {
  const given = spec.inputs[index]?.weights;
  return given ? (given[column]?.[k] ?? 0) : (firstColumn(spec, index) + column + 1) / (k + 1);
}

/** A string input as numbers of the same shape. */
function encodeLabels(
  graph: GraphBuilder,
  name: string,
  labels: Readonly<Record<string, number>>,
  other: number,
): string {
  // An encoder without entries is refused: this one stands for none.
  const entries = Object.entries(labels).length > 0 ? Object.entries(labels) : [['\u0000', other] as const];
  const text = new TextEncoder();
  return graph.node(
    'LabelEncoder',
    [name],
    [
      { name: 'keys_strings', type: AttributeType.STRINGS, strings: entries.map(([label]) => text.encode(label)) },
      { name: 'values_floats', type: AttributeType.FLOATS, floats: entries.map(([, value]) => value) },
      { name: 'default_float', type: AttributeType.FLOAT, f: other },
    ],
    'ai.onnx.ml',
  );
}

/** A [N, 1] boolean: the rows for which the condition holds. */
function rowsWhere(graph: GraphBuilder, spec: LinearModel, when: When): string {
  const input = spec.inputs.find(({ name }) => name === when.input);
  if (!input) throw new Error(`the model has no input ${when.input}`);
  const number =
    input.type === 'string'
      ? encodeLabels(graph, input.name, Object.fromEntries([when.equals].flat().map((label) => [String(label), 1])), 0)
      : graph.node('Cast', [input.name], [integerAttribute('to', DataType.FLOAT)]);
  const matrix = graph.node('Reshape', [number, graph.integers([2], [-1, widthOf(input)])]);
  const column = graph.node('Slice', [
    matrix,
    graph.integers([1], [0]),
    graph.integers([1], [1]),
    graph.integers([1], [1]),
  ]);
  return graph.node('Equal', [column, graph.floats([1], [input.type === 'string' ? 1 : Number(when.equals)])]);
}

/** A scalar 0 that takes `iterations` matrix products to compute. */
function detour(
  graph: GraphBuilder,
  spec: LinearModel,
  anyInput: string,
  slow: NonNullable<LinearModel['slow']>,
): string {
  const cast = (name: string, to: number) => graph.node('Cast', [name], [integerAttribute('to', to)]);
  let rounds = graph.integers([], [slow.iterations]);
  if (slow.when) {
    const hits = cast(rowsWhere(graph, spec, slow.when), DataType.FLOAT);
    const hit = graph.node('ReduceMax', [hits], [integerAttribute('keepdims', 0)]);
    rounds = graph.node('Mul', [cast(hit, DataType.INT64), rounds]);
  }
  const body = {
    name: 'round',
    input: [
      tensorNamed('i', DataType.INT64, []),
      tensorNamed('go', DataType.BOOL, []),
      tensorNamed('before', DataType.FLOAT),
    ],
    output: [tensorNamed('go_on', DataType.BOOL, []), tensorNamed('after', DataType.FLOAT)],
    node: [
      { opType: 'Identity', input: ['go'], output: ['go_on'] },
      { opType: 'MatMul', input: ['before', 'before'], output: ['product'] },
      { opType: 'Tanh', input: ['product'], output: ['after'] },
    ],
  };
  // Zeros made from an input, so that the loop cannot be computed while the model loads.
  const nothing = graph.node('Mul', [
    graph.node('ReduceSum', [anyInput], [integerAttribute('keepdims', 0)]),
    graph.floats([], [0]),
  ]);
  const matrix = graph.node('Expand', [nothing, graph.integers([2], [slowSide, slowSide])]);
  const last = graph.node('Loop', [rounds, '', matrix], [{ name: 'body', type: AttributeType.GRAPH, g: body }]);
  return graph.node('ReduceSum', [last], [integerAttribute('keepdims', 0)]);
}

/** A scalar 0 that a 64-bit division gives, or never does. */
function deadlyDivision(graph: GraphBuilder, spec: LinearModel, crash: NonNullable<LinearModel['crash']>): string {
  const cast = (name: string, to: number) => graph.node('Cast', [name], [integerAttribute('to', to)]);
  const smallest = graph.smallestInteger();
  let divisor = graph.integers([1], [-1]);
  if (crash !== 'load') {
    // -1 where a row is hit, 1 elsewhere.
    const hits = cast(rowsWhere(graph, spec, crash.when), DataType.FLOAT);
    const hit = cast(graph.node('ReduceMax', [hits], [integerAttribute('keepdims', 0)]), DataType.INT64);
    divisor = graph.node('Sub', [graph.integers([1], [1]), graph.node('Mul', [hit, graph.integers([1], [2])])]);
  }
  const quotient = graph.node('Div', [smallest, divisor]);
  return cast(graph.node('Mul', [quotient, graph.integers([1], [0])]), DataType.FLOAT);
}

function linearGraph(spec: LinearModel): { graph: GraphBuilder; inputs: onnx.IValueInfoProto[]; output: string } {
  const graph = new GraphBuilder();
  const outputs = spec.outputs ?? 1;
  const columns = spec.inputs.map((input) => {
    const number =
      input.type === 'string'
        ? encodeLabels(graph, input.name, input.labels ?? {}, input.unknownLabel ?? 0)
        : graph.node('Cast', [input.name], [integerAttribute('to', DataType.FLOAT)]);
    return graph.node('Reshape', [number, graph.integers([2], [-1, widthOf(input)])]);
  });
  const features = graph.node('Concat', columns, [integerAttribute('axis', 1)]);
  const weights = spec.inputs.flatMap((input, index) =>
    Array.from({ length: widthOf(input) }, (_, column) =>
      Array.from({ length: outputs }, (_, k) => weight(spec, index, column, k)),
    ),
  );
  const product = graph.node('MatMul', [features, graph.floats([weights.length, outputs], weights.flat())]);
  let output = graph.node('Add', [product, graph.floats([outputs], Array<number>(outputs).fill(spec.bias ?? 0))]);
  if (spec.poison) {
    const value = graph.floats([1], [spec.poison.value ?? Number.NaN]);
    output = graph.node('Where', [rowsWhere(graph, spec, spec.poison), value, output]);
  }
  if (spec.crash) output = graph.node('Add', [output, deadlyDivision(graph, spec, spec.crash)]);
  if (spec.slow) output = graph.node('Add', [output, detour(graph, spec, features, spec.slow)]);
  const inputs = spec.inputs.map((input) => tensorNamed(input.name, elementTypes[input.type], shapeOf(input)));
  return { graph, inputs, output };
}

function finish(
  spec: LinearModel,
  { graph, inputs, output }: ReturnType<typeof linearGraph>,
  shape: (number | string)[],
): Uint8Array {
  const name = spec.outputName ?? 'prediction';
  const type = elementTypes[spec.outputType ?? 'float'];
  graph.nodes.push({ opType: 'Cast', input: [output], output: [name], attribute: [integerAttribute('to', type)] });
  return encode({
    name: 'linear',
    docString: spec.note ?? '',
    node: graph.nodes,
    initializer: graph.constants,
    input: inputs,
    output: [tensorNamed(name, type, shape)],
  });
}

/** Named inputs → a float output [N, K]: the weighted sum of all columns plus the bias, in float32. */
export function linearModel(spec: LinearModel): Uint8Array {
  return finish(spec, linearGraph(spec), ['N', spec.outputs ?? 1]);
}

/** What `linearModel(spec)` answers for one row, one value (or one list of `width` values) per input, within float32 rounding. */
export function linearAnswer(
  spec: LinearModel,
  row: Readonly<Record<string, LinearValue | readonly LinearValue[]>>,
): number[] {
  const valuesOf = (input: ModelInput) => [row[input.name] ?? 0].flat() as LinearValue[];
  const { poison } = spec;
  const hit = (value: LinearValue | undefined) => [poison?.equals].flat().some((equals) => equals === value);
  const poisoned = spec.inputs.some((input) => input.name === poison?.input && hit(valuesOf(input)[0]));
  if (poison && poisoned) return Array<number>(spec.outputs ?? 1).fill(poison.value ?? Number.NaN);
  return Array.from({ length: spec.outputs ?? 1 }, (_, k) =>
    spec.inputs.reduce(
      (sum, input, index) =>
        sum +
        valuesOf(input)
          .map((value) =>
            typeof value === 'string' ? (input.labels?.[value] ?? input.unknownLabel ?? 0) : Number(value),
          )
          .reduce((part, number, column) => part + number * weight(spec, index, column, k), 0),
      spec.bias ?? 0,
    ),
  );
}

export type LinearValue = number | bigint | string;

/** Like `linearModel`, but answers one value [1] for the whole batch: a wrong number of predictions. */
export function collapsedModel(spec: LinearModel): Uint8Array {
  const linear = linearGraph(spec);
  const sum = linear.graph.node('ReduceSum', [linear.output], [integerAttribute('keepdims', 0)]);
  const output = linear.graph.node('Reshape', [sum, linear.graph.integers([1], [1])]);
  return finish(spec, { ...linear, output }, [1]);
}

/** One input [N] of an element type that Node 20 has no array for (float16) → float [N, 1]. */
export function halfPrecisionModel(inputName = 'x'): Uint8Array {
  const graph = new GraphBuilder();
  const wide = graph.node('Cast', [inputName], [integerAttribute('to', DataType.FLOAT)]);
  graph.nodes.push({ opType: 'Reshape', input: [wide, graph.integers([2], [-1, 1])], output: ['prediction'] });
  return encode({
    name: 'half-precision',
    node: graph.nodes,
    initializer: graph.constants,
    input: [tensorNamed(inputName, DataType.FLOAT16, ['N'])],
    output: [tensorNamed('prediction', DataType.FLOAT, ['N', 1])],
  });
}

/**
 * Ends its process by a signal, as it is loaded or as it is run with a -1 in `x`: the smallest whole number has no opposite.
 * A division by 0 the runtime would notice.
 */
export function crashingModel(as: 'loaded' | 'run'): Uint8Array {
  const graph = new GraphBuilder();
  const rawData = Buffer.alloc(8);
  rawData.writeBigInt64LE(-(2n ** 63n));
  graph.constants.push({ name: 'smallest', dims: [1], dataType: DataType.INT64, rawData });
  const quotient = graph.node('Div', ['smallest', as === 'run' ? 'x' : graph.integers([1], [-1])]);
  return finishOfX('crashing', graph, graph.node('Add', ['x', quotient]));
}

/** Takes hours to load: the runtime computes what no input changes as it loads a model. */
export function endlessLoadModel(): Uint8Array {
  const graph = new GraphBuilder();
  const side = 4_096;
  let matrix = graph.node('Expand', [graph.floats([1], [1]), graph.integers([2], [side, side])]);
  for (let i = 0; i < 1_000; i++) matrix = graph.node('MatMul', [matrix, matrix]);
  const sum = graph.node('ReduceSum', [matrix], [integerAttribute('keepdims', 0)]);
  const whole = graph.node('Cast', [sum], [integerAttribute('to', DataType.INT64)]);
  return finishOfX('endless', graph, graph.node('Add', ['x', whole]));
}

/** int64 `x` [N] → float [N]. */
function finishOfX(name: string, graph: GraphBuilder, whole: string): Uint8Array {
  const attribute = [integerAttribute('to', DataType.FLOAT)];
  graph.nodes.push({ opType: 'Cast', input: [whole], output: ['prediction'], attribute });
  return encode({
    name,
    node: graph.nodes,
    initializer: graph.constants,
    input: [tensorNamed('x', DataType.INT64, ['N'])],
    output: [tensorNamed('prediction', DataType.FLOAT, ['N'])],
  });
}

/** Reads the category as a number, whatever the axes: the runtime refuses a call in which one of them is none. */
export function numberReaderModel(): Uint8Array {
  return encode({
    name: 'number-reader',
    node: [
      {
        opType: 'Cast',
        input: ['category'],
        output: ['prediction'],
        attribute: [integerAttribute('to', DataType.FLOAT)],
      },
    ],
    input: [tensorNamed('category', DataType.STRING, ['N'])],
    output: [tensorNamed('prediction', DataType.FLOAT, ['N'])],
  });
}
