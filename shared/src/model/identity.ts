import { createHash } from 'node:crypto';
import type { InputSource, ModelSpec } from './spec';

/** What makes two rows comparable: everything that can change a value, and nothing that cannot. */
export type IdentityParts = Pick<ModelSpec, 'fileSha256' | 'axes' | 'inputs' | 'output' | 'outputs'>;

const GENERATION_DIGITS = 12;

/** The parts in a fixed order, as JSON: what is hashed, and what Postgres keeps beside the generation. */
export function identityDocument(parts: IdentityParts): string {
  const inputs = Object.entries(parts.inputs).sort(([a], [b]) => (a < b ? -1 : 1));
  return JSON.stringify({
    format: 1,
    onnx: parts.fileSha256,
    axes: parts.axes.map(({ name, values }) => ({ name, values })),
    inputs: inputs.map(([name, source]) => [name, ...sourceParts(source)]),
    output: parts.output,
    outputs: parts.outputs,
  });
}

/** SHA-256 of the identity document, 64 hexadecimal digits. */
export function identityOf(parts: IdentityParts): string {
  return createHash('sha256').update(identityDocument(parts)).digest('hex');
}

export function generationOf(identity: string): string {
  return identity.slice(0, GENERATION_DIGITS);
}

function sourceParts(source: InputSource): (string | number)[] {
  switch (source.from) {
    case 'axis':
      return ['axis', source.axis];
    case 'category':
      return ['category'];
    case 'constant':
      return ['constant', source.value];
  }
}
