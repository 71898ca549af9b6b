import { createHash } from 'node:crypto';
import type { ColumnSource, InputSource, ModelSpec } from './spec';

/** What makes two rows comparable: everything that can change a value, and nothing that cannot. */
export type IdentityParts = Pick<ModelSpec, 'fileSha256' | 'axes' | 'inputs' | 'output' | 'outputs' | 'picked'>;

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
    // Left out where there is nothing to say, as all that came later: identities of before stay what they were.
    picked: parts.picked,
  });
}

/** SHA-256 of the identity document, 64 hexadecimal digits. */
export function identityOf(parts: IdentityParts): string {
  return createHash('sha256').update(identityDocument(parts)).digest('hex');
}

export function generationOf(identity: string): string {
  return identity.slice(0, GENERATION_DIGITS);
}

type Part = string | number | boolean | readonly Part[];

function sourceParts(source: InputSource): Part[] {
  return source.from === 'columns' ? ['columns', ...source.columns.map(columnParts)] : columnParts(source);
}

function columnParts(source: ColumnSource): Part[] {
  switch (source.from) {
    case 'axis':
      return ['axis', source.axis, ...transformPart(source)];
    case 'category':
      return 'as' in source ? ['category', source.as, source.vocabulary] : ['category'];
    case 'constant':
      return ['constant', source.value];
    case 'feature':
      return ['feature', source.feature];
    case 'clock':
      return ['clock', source.field, source.timezone, ...transformPart(source)];
  }
}

function transformPart({ transform }: { readonly transform?: string | undefined }): string[] {
  return transform === undefined ? [] : [transform];
}
