import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { configurationReference } from './configuration';
import { errorReference } from './errors';
import { metricsReference } from './metrics';

export interface GeneratedDocument {
  /** Within the checkout. */
  readonly path: string;
  readonly text: () => string;
}

/** The pages that are written from the sources. */
export const DOCUMENTS: readonly GeneratedDocument[] = [
  { path: 'docs/configuration.md', text: configurationReference },
  { path: 'docs/errors.md', text: errorReference },
  { path: 'docs/metrics.md', text: metricsReference },
];

/** Those that are missing in the checkout at `root` or hold something else than they should. */
export function outOfDate(root: string): GeneratedDocument[] {
  return DOCUMENTS.filter(({ path, text }) => contentOf(join(root, path)) !== text());
}

function contentOf(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
