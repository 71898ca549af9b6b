/** Short constructors for the parts of an ONNX graph this model needs. */
import { onnx } from 'onnx-proto';

const { AttributeType } = onnx.AttributeProto;
export const { DataType } = onnx.TensorProto;
export const ML_DOMAIN = 'ai.onnx.ml';

export type Attribute = onnx.IAttributeProto;

const utf8 = (text: string) => Buffer.from(text, 'utf8');

export function int(name: string, i: number): Attribute {
  return { name, type: AttributeType.INT, i };
}

export function ints(name: string, values: readonly number[]): Attribute {
  return { name, type: AttributeType.INTS, ints: [...values] };
}

export function floats(name: string, values: ArrayLike<number>): Attribute {
  return { name, type: AttributeType.FLOATS, floats: Array.from(values) };
}

export function float(name: string, f: number): Attribute {
  return { name, type: AttributeType.FLOAT, f };
}

export function string(name: string, text: string): Attribute {
  return { name, type: AttributeType.STRING, s: utf8(text) };
}

export function strings(name: string, texts: readonly string[]): Attribute {
  return { name, type: AttributeType.STRINGS, strings: texts.map(utf8) };
}

/** A node with one output, which also gives it its name. */
export function node(
  opType: string,
  input: readonly string[],
  output: string,
  attribute: readonly Attribute[] = [],
  domain = '',
): onnx.INodeProto {
  return { opType, input: [...input], output: [output], name: output, attribute: [...attribute], domain };
}

/** LabelEncoder from the int64 keys 0, 1, 2, ... to float32; any other key gives 0. */
export function floatTable(input: string, output: string, values: Float32Array): onnx.INodeProto {
  const attributes = [
    ints(
      'keys_int64s',
      Array.from(values, (_, key) => key),
    ),
    floats('values_floats', values),
    float('default_float', 0),
  ];
  return node('LabelEncoder', [input], output, attributes, ML_DOMAIN);
}

/** A graph input or output of shape [N, 1]; N is the batch size. */
export function column(name: string, elemType: onnx.TensorProto.DataType, docString: string): onnx.IValueInfoProto {
  const dim = [{ dimParam: 'N' }, { dimValue: 1 }];
  return { name, docString, type: { tensorType: { elemType, shape: { dim } } } };
}

/** An int64 constant of shape [1]. */
export function int64Constant(name: string, value: number): onnx.ITensorProto {
  return { name, dataType: DataType.INT64, dims: [1], int64Data: [value] };
}
