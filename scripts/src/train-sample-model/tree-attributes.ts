/** Trees as the parallel lists that TreeEnsembleRegressor (ai.onnx.ml 3) takes: one entry per node, and per leaf. */
import { type Attribute, floats, int, ints, string, strings } from '../onnx/nodes';
import type { TreeNode } from './tree';

interface FlatNode {
  readonly tree: number;
  readonly id: number;
  readonly mode: 'BRANCH_LEQ' | 'LEAF';
  readonly feature: number;
  readonly threshold: number;
  readonly left: number;
  readonly right: number;
  readonly weight: number;
}

export function treeAttributes(trees: readonly TreeNode[]): Attribute[] {
  const nodes = trees.flatMap(flatten);
  const leaves = nodes.filter(({ mode }) => mode === 'LEAF');
  const list = (name: string, of: readonly FlatNode[], value: (one: FlatNode) => number) => ints(name, of.map(value));
  return [
    int('n_targets', 1),
    string('aggregate_function', 'SUM'),
    string('post_transform', 'NONE'),
    list('nodes_treeids', nodes, ({ tree }) => tree),
    list('nodes_nodeids', nodes, ({ id }) => id),
    list('nodes_featureids', nodes, ({ feature }) => feature),
    strings(
      'nodes_modes',
      nodes.map(({ mode }) => mode),
    ),
    floats(
      'nodes_values',
      nodes.map(({ threshold }) => threshold),
    ),
    list('nodes_truenodeids', nodes, ({ left }) => left),
    list('nodes_falsenodeids', nodes, ({ right }) => right),
    list('target_treeids', leaves, ({ tree }) => tree),
    list('target_nodeids', leaves, ({ id }) => id),
    list('target_ids', leaves, () => 0),
    floats(
      'target_weights',
      leaves.map(({ weight }) => weight),
    ),
  ];
}

/** The nodes of one tree from its root down, each numbered by its place in the list. */
function flatten(root: TreeNode, tree: number): FlatNode[] {
  const queue: TreeNode[] = [root];
  const flat: FlatNode[] = [];
  for (let node = queue[0]; node !== undefined; node = queue[flat.length]) {
    const id = flat.length;
    if (node.kind === 'leaf') {
      const { weight } = node;
      flat.push({ tree, id, mode: 'LEAF', feature: 0, threshold: 0, left: 0, right: 0, weight });
    } else {
      const left = queue.push(node.left, node.right) - 2;
      const { feature, threshold } = node;
      flat.push({ tree, id, mode: 'BRANCH_LEQ', feature, threshold, left, right: left + 1, weight: 0 });
    }
  }
  return flat;
}
