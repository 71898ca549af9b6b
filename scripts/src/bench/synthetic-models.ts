/** The two models that every suite runs: a small perceptron and a boosted ensemble, over `day`, `hour` and `category`. */
import { onnx } from 'onnx-proto';
import { column, DataType, floats, int, ints, ML_DOMAIN, node, string, strings } from '../onnx/nodes';
import { randomNumbers } from './random-numbers';

export const MODEL_KINDS = ['mlp', 'trees'] as const;
export type ModelKind = (typeof MODEL_KINDS)[number];

/** Model inputs, float32 [N, 1] each; the category is fed as its number. */
export const INPUTS = ['day', 'hour', 'category'] as const;
export const OUTPUT = 'prediction';

const HIDDEN = 64;
const TREES = 300;
const DEPTH = 6;

/** What the inputs are multiplied by, so that all of them matter. */
const SCALES = [1 / 7, 1 / 24, 1 / 10_000];

/** The bytes of an ONNX file; the same each time. */
export function syntheticModel(kind: ModelKind): Uint8Array {
  const random = randomNumbers(kind === 'mlp' ? 1 : 2);
  const { nodes, initializers } = kind === 'mlp' ? perceptron(random) : ensemble(random);
  const features = [
    node('Concat', [...INPUTS], 'columns', [int('axis', 1)]),
    node('Mul', ['columns', 'scales'], 'features'),
  ];
  const model = onnx.ModelProto.create({
    irVersion: 8,
    opsetImport: [
      { domain: '', version: 15 },
      { domain: ML_DOMAIN, version: 3 },
    ],
    producerName: 'forewarm bench',
    graph: {
      name: kind,
      node: [...features, ...nodes],
      initializer: [matrix('scales', [1, INPUTS.length], SCALES), ...initializers],
      input: INPUTS.map((name) => column(name, DataType.FLOAT, name)),
      output: [column(OUTPUT, DataType.FLOAT, OUTPUT)],
    },
  });
  return onnx.ModelProto.encode(model).finish();
}

interface Body {
  readonly nodes: readonly onnx.INodeProto[];
  readonly initializers: readonly onnx.ITensorProto[];
}

/** 3-64-64-1 with ReLU. */
function perceptron(random: () => number): Body {
  const sizes = [INPUTS.length, HIDDEN, HIDDEN, 1];
  const layers = sizes.slice(1).map((width, layer) => ({ layer, width, from: sizes[layer] as number }));
  const nodes = layers.flatMap(({ layer }) => {
    const input = layer === 0 ? 'features' : `active${layer - 1}`;
    const last = layer === layers.length - 1;
    const output = last ? OUTPUT : `layer${layer}`;
    const gemm = node('Gemm', [input, `weights${layer}`, `bias${layer}`], output);
    return last ? [gemm] : [gemm, node('Relu', [output], `active${layer}`)];
  });
  const initializers = layers.flatMap(({ layer, width, from }) => [
    matrix(
      `weights${layer}`,
      [from, width],
      numbers(from * width, () => random() - 0.5),
    ),
    matrix(
      `bias${layer}`,
      [width],
      numbers(width, () => random() - 0.5),
    ),
  ]);
  return { nodes, initializers };
}

/** 300 full trees of depth 6: 63 inner nodes and 64 leaves each, numbered as a heap. */
function ensemble(random: () => number): Body {
  const inner = 2 ** DEPTH - 1;
  const perTree = 2 ** (DEPTH + 1) - 1;
  const all = Array.from({ length: TREES * perTree }, (_, i) => ({ tree: Math.floor(i / perTree), id: i % perTree }));
  const leaves = all.filter(({ id }) => id >= inner);
  const isLeaf = ({ id }: { id: number }): boolean => id >= inner;
  const attributes = [
    int('n_targets', 1),
    string('aggregate_function', 'SUM'),
    string('post_transform', 'NONE'),
    ints(
      'nodes_treeids',
      all.map(({ tree }) => tree),
    ),
    ints(
      'nodes_nodeids',
      all.map(({ id }) => id),
    ),
    ints(
      'nodes_featureids',
      all.map((one) => (isLeaf(one) ? 0 : Math.floor(random() * INPUTS.length))),
    ),
    strings(
      'nodes_modes',
      all.map((one) => (isLeaf(one) ? 'LEAF' : 'BRANCH_LEQ')),
    ),
    floats(
      'nodes_values',
      all.map((one) => (isLeaf(one) ? 0 : random())),
    ),
    ints(
      'nodes_truenodeids',
      all.map((one) => (isLeaf(one) ? 0 : 2 * one.id + 1)),
    ),
    ints(
      'nodes_falsenodeids',
      all.map((one) => (isLeaf(one) ? 0 : 2 * one.id + 2)),
    ),
    ints(
      'target_treeids',
      leaves.map(({ tree }) => tree),
    ),
    ints(
      'target_nodeids',
      leaves.map(({ id }) => id),
    ),
    ints(
      'target_ids',
      leaves.map(() => 0),
    ),
    floats(
      'target_weights',
      leaves.map(() => (random() - 0.5) / TREES),
    ),
    floats('base_values', [0.5]),
  ];
  return { nodes: [node('TreeEnsembleRegressor', ['features'], OUTPUT, attributes, ML_DOMAIN)], initializers: [] };
}

function matrix(name: string, dims: readonly number[], data: readonly number[]): onnx.ITensorProto {
  return { name, dims: [...dims], dataType: DataType.FLOAT, floatData: [...data] };
}

function numbers(count: number, next: () => number): number[] {
  return Array.from({ length: count }, next);
}
