import { parseSync } from '@swc/core';

/** The only file that may read the process environment. */
export const environmentFile = 'shared/src/config/environment.ts';

const namesProcess = (node) =>
  (node?.type === 'Identifier' && node.value === 'process') ||
  (node?.type === 'MemberExpression' && node.property.type === 'Identifier' && node.property.value === 'process');

const namesEnv = (node) =>
  (node?.type === 'Identifier' && node.value === 'env') ||
  (node?.type === 'StringLiteral' && node.value === 'env') ||
  (node?.type === 'Computed' && namesEnv(node.expression));

/** `process.env`, `process['env']`, `const { env } = process`, `import { env } from 'node:process'`. */
function readsEnvironment(node) {
  switch (node.type) {
    case 'MemberExpression':
      return namesProcess(node.object) && namesEnv(node.property);
    case 'VariableDeclarator':
      return (
        namesProcess(node.init) &&
        node.id.type === 'ObjectPattern' &&
        node.id.properties.some((property) => namesEnv(property.key))
      );
    case 'ImportDeclaration':
      return (
        /^(node:)?process$/.test(node.source.value) &&
        node.specifiers.some(
          (specifier) => specifier.type === 'ImportSpecifier' && namesEnv(specifier.imported ?? specifier.local),
        )
      );
    default:
      return false;
  }
}

function* nodesOf(value) {
  if (Array.isArray(value)) {
    for (const item of value) yield* nodesOf(item);
  } else if (value !== null && typeof value === 'object') {
    if (typeof value.type === 'string') yield value;
    for (const item of Object.values(value)) yield* nodesOf(item);
  }
}

/** The lines (from 1) of a TypeScript source that read the process environment; comments and strings do not count. */
export function environmentReads(source) {
  // The parser's positions are bytes, counted on from one parse to the next: an empty parse tells where this one starts.
  const origin = parseSync('', { syntax: 'typescript' }).span.end;
  const program = parseSync(source, { syntax: 'typescript', target: 'es2022', decorators: true });
  const bytes = Buffer.from(source);
  const lines = [...nodesOf(program.body)].filter(readsEnvironment).map(
    (node) =>
      bytes
        .subarray(0, node.span.start - origin)
        .toString()
        .split('\n').length,
  );
  return [...new Set(lines)];
}
