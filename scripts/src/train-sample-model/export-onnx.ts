/**
 * Writes the model as ONNX.
 *
 * category --LabelEncoder--> rank --tables--> features of the category, starting score
 * day, hour -------------------------tables--> features of the time
 * group(rank), day, hour --> groupSlot --table--> profile of the group
 * all features --Concat [N, F]--> TreeEnsembleRegressor --> + starting score --> Exp --> expected_calls
 */
import { onnx } from 'onnx-proto';
import * as graph from '../onnx/nodes';
import { DAYS, HOURS } from './data';
import type { FeatureTables } from './features';
import type { TreeNode } from './tree';
import { treeAttributes } from './tree-attributes';

/** ONNX IR 8, opset 15 and ai.onnx.ml 3 were all released by early 2022, so old runtimes load the model too. */
const IR_VERSION = 8;
const OPSETS = [
  { domain: '', version: 15 },
  { domain: graph.ML_DOMAIN, version: 3 },
];

const DESCRIPTION =
  'Expected emergency calls per hour in Montgomery County, Pennsylvania, by day of week, hour and category. ' +
  'Poisson gradient-boosted trees. See MODEL_CARD.md.';

export function exportOnnx(tables: FeatureTables, trees: readonly TreeNode[]): Uint8Array {
  const model = onnx.ModelProto.create({
    irVersion: IR_VERSION,
    opsetImport: OPSETS,
    producerName: 'forewarm train-sample-model',
    docString: DESCRIPTION,
    graph: {
      name: 'montco911',
      node: [...keyNodes(tables), ...tableNodes(tables), ...scoreNodes(tables, trees)],
      initializer: [graph.int64Constant('days', DAYS), graph.int64Constant('hours', HOURS)],
      input: [
        graph.column('day', graph.DataType.INT64, 'day of week, 0 = Sunday to 6 = Saturday'),
        graph.column('hour', graph.DataType.INT64, 'hour of day in local time, 0 to 23'),
        graph.column('category', graph.DataType.STRING, 'category, as in montco911_categories.csv'),
      ],
      output: [graph.column('expected_calls', graph.DataType.FLOAT, 'expected calls in the hour')],
    },
  });
  return onnx.ModelProto.encode(model).finish();
}

/** The int64 keys: rank (an unknown category gets the last, the rarest) and groupSlot. */
function keyNodes({ names, groups }: FeatureTables): onnx.INodeProto[] {
  const rankOf = [
    graph.strings('keys_strings', names),
    graph.ints('values_int64s', [...names.keys()]),
    graph.int('default_int64', names.length - 1),
  ];
  const groupOf = [
    graph.ints('keys_int64s', [...groups.keys()]),
    graph.ints('values_int64s', groups),
    graph.int('default_int64', 0),
  ];
  return [
    graph.node('LabelEncoder', ['category'], 'rankKey', rankOf, graph.ML_DOMAIN),
    graph.node('LabelEncoder', ['rankKey'], 'groupKey', groupOf, graph.ML_DOMAIN),
    graph.node('Mul', ['groupKey', 'days'], 'groupDays'),
    graph.node('Add', ['groupDays', 'day'], 'groupDay'),
    graph.node('Mul', ['groupDay', 'hours'], 'groupHours'),
    graph.node('Add', ['groupHours', 'hour'], 'groupSlotKey'),
  ];
}

const KEY_TENSORS = { day: 'day', hour: 'hour', rank: 'rankKey', groupSlot: 'groupSlotKey' } as const;

function tableNodes({ start, columns }: FeatureTables): onnx.INodeProto[] {
  return [start, ...columns].map(({ name, key, values }) =>
    graph.floatTable(KEY_TENSORS[key], featureTensor(name), values),
  );
}

function scoreNodes({ start, columns }: FeatureTables, trees: readonly TreeNode[]): onnx.INodeProto[] {
  const inputs = columns.map(({ name }) => featureTensor(name));
  return [
    graph.node('Concat', inputs, 'features', [graph.int('axis', 1)]),
    graph.node('TreeEnsembleRegressor', ['features'], 'treeScore', treeAttributes(trees), graph.ML_DOMAIN),
    graph.node('Add', ['treeScore', featureTensor(start.name)], 'score'),
    graph.node('Exp', ['score'], 'expected_calls'),
  ];
}

/** Prefixed, because a feature may be called as an input is. */
function featureTensor(name: string): string {
  return `feature_${name}`;
}
