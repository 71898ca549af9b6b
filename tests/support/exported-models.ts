import { onnx } from 'onnx-proto';

/** Models of the shapes that exporters give them: inputs, outputs and the way between, as literally as they are. */

const { DataType } = onnx.TensorProto;
const { AttributeType } = onnx.AttributeProto;

export type ElementType = 'FLOAT' | 'DOUBLE' | 'INT64' | 'INT32' | 'BOOL' | 'STRING';
/** `null` is a dimension of no name, a text one of that name. No dimensions at all: none are declared. */
export type Dimensions = readonly (number | string | null)[];

export interface Value {
  readonly name: string;
  readonly type: ElementType;
  readonly dims?: Dimensions;
}

export interface ExportedModel {
  readonly inputs: readonly Value[];
  /** Those of `zipMap` are sequences of maps. */
  readonly outputs: readonly Value[];
  readonly nodes: readonly onnx.INodeProto[];
  readonly constants?: readonly onnx.ITensorProto[];
  readonly zipMaps?: readonly string[];
  /** Of the maps' keys. */
  readonly labelType?: 'STRING' | 'INT64';
}

export function exportedModel({
  inputs,
  outputs,
  nodes,
  constants = [],
  zipMaps = [],
  labelType = 'STRING',
}: ExportedModel): Uint8Array {
  const model = onnx.ModelProto.create({
    irVersion: 8,
    producerName: 'skl2onnx',
    producerVersion: '1.17',
    opsetImport: [
      { domain: '', version: 13 },
      { domain: 'ai.onnx.ml', version: 2 },
    ],
    graph: {
      name: 'exported',
      node: [...nodes],
      initializer: [...constants],
      input: inputs.map(tensorInfo),
      output: outputs.map((output) =>
        zipMaps.includes(output.name) ? mapInfo(output, labelType) : tensorInfo(output),
      ),
    },
  });
  return new Uint8Array(onnx.ModelProto.encode(model).finish());
}

export function node(
  opType: string,
  input: readonly string[],
  output: readonly string[],
  attributes: readonly onnx.IAttributeProto[] = [],
): onnx.INodeProto {
  const domain = ['LinearRegressor', 'LinearClassifier', 'ZipMap', 'Normalizer', 'LabelEncoder'].includes(opType)
    ? 'ai.onnx.ml'
    : '';
  return { opType, domain, name: output[0] ?? '', input: [...input], output: [...output], attribute: [...attributes] };
}

export const attribute = {
  int: (name: string, i: number): onnx.IAttributeProto => ({ name, type: AttributeType.INT, i }),
  ints: (name: string, ints: readonly number[]): onnx.IAttributeProto => ({
    ...{ name, type: AttributeType.INTS, ints: [...ints] },
  }),
  float: (name: string, f: number): onnx.IAttributeProto => ({ name, type: AttributeType.FLOAT, f }),
  floats: (name: string, floats: readonly number[]): onnx.IAttributeProto => ({
    ...{ name, type: AttributeType.FLOATS, floats: [...floats] },
  }),
  text: (name: string, text: string): onnx.IAttributeProto => ({
    ...{ name, type: AttributeType.STRING, s: Buffer.from(text) },
  }),
  texts: (name: string, texts: readonly string[]): onnx.IAttributeProto => ({
    ...{ name, type: AttributeType.STRINGS, strings: texts.map((text) => Buffer.from(text)) },
  }),
};

export function castTo(type: ElementType): onnx.IAttributeProto {
  return attribute.int('to', DataType[type]);
}

export function floatsConstant(name: string, dims: readonly number[], floatData: readonly number[]): onnx.ITensorProto {
  return { name, dims: [...dims], dataType: DataType.FLOAT, floatData: [...floatData] };
}

export function integersConstant(name: string, int64Data: readonly number[]): onnx.ITensorProto {
  return { name, dims: [int64Data.length], dataType: DataType.INT64, int64Data: [...int64Data] };
}

/** A LinearClassifier of scikit-learn, with its labels; with ZipMap it ends as `zipmap=True`, the default, leaves it. */
export function classifier(
  classes: readonly (string | number)[],
  columns: number,
  { zipMap = false, input = 'X' }: { readonly zipMap?: boolean; readonly input?: string } = {},
): Uint8Array {
  const textual = classes.every((label) => typeof label === 'string');
  const labels = textual
    ? attribute.texts('classlabels_strings', classes as string[])
    : attribute.ints('classlabels_ints', classes as number[]);
  const weights = Array.from({ length: classes.length * columns }, (_, i) => Math.sin(i + 1) / 3);
  const probabilities = zipMap ? 'probabilities' : 'output_probability';
  const nodes = [
    node(
      'LinearClassifier',
      [input],
      ['output_label', 'scores'],
      [
        labels,
        attribute.floats('coefficients', weights),
        attribute.floats(
          'intercepts',
          classes.map((_, i) => i / 10),
        ),
        attribute.int('multi_class', 1),
        attribute.text('post_transform', 'SOFTMAX'),
      ],
    ),
    node('Normalizer', ['scores'], [probabilities], [attribute.text('norm', 'L1')]),
  ];
  const zipLabels = textual
    ? attribute.texts('classlabels_strings', classes as string[])
    : attribute.ints('classlabels_int64s', classes as number[]);
  if (zipMap) nodes.push(node('ZipMap', [probabilities], ['output_probability'], [zipLabels]));
  return exportedModel({
    inputs: [{ name: input, type: 'FLOAT', dims: [null, columns] }],
    outputs: [
      { name: 'output_label', type: textual ? 'STRING' : 'INT64', dims: [null] },
      { name: 'output_probability', type: 'FLOAT', dims: [null, classes.length] },
    ],
    nodes,
    zipMaps: zipMap ? ['output_probability'] : [],
    labelType: textual ? 'STRING' : 'INT64',
  });
}

/** A LinearRegressor of one matrix: `targets` values a row. */
export function matrixRegressor(
  columns: number,
  {
    targets = 1,
    batch = null,
    declared,
  }: { targets?: number; batch?: number | string | null; declared?: Dimensions } = {},
): Uint8Array {
  return exportedModel({
    inputs: [{ name: 'float_input', type: 'FLOAT', dims: [batch, columns] }],
    outputs: [
      { name: 'variable', type: 'FLOAT', ...(declared?.length === 0 ? {} : { dims: declared ?? [batch, targets] }) },
    ],
    nodes: [
      node(
        'LinearRegressor',
        ['float_input'],
        ['variable'],
        [
          attribute.floats(
            'coefficients',
            Array.from({ length: columns * targets }, (_, i) => Math.cos(i) / 7),
          ),
          attribute.floats(
            'intercepts',
            Array.from({ length: targets }, (_, i) => i + 0.1),
          ),
          attribute.int('targets', targets),
        ],
      ),
    ],
  });
}

function tensorInfo({ name, type, dims }: Value): onnx.IValueInfoProto {
  const shape = dims && {
    shape: {
      dim: dims.map((size) =>
        size === null ? {} : typeof size === 'string' ? { dimParam: size } : { dimValue: size },
      ),
    },
  };
  return { name, type: { tensorType: { elemType: DataType[type], ...shape } } };
}

/** What ZipMap gives: a list of maps of label to probability. */
function mapInfo({ name }: Value, labelType: 'STRING' | 'INT64'): onnx.IValueInfoProto {
  const valueType = { tensorType: { elemType: DataType.FLOAT } };
  return { name, type: { sequenceType: { elemType: { mapType: { keyType: DataType[labelType], valueType } } } } };
}
