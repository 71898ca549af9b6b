import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { outOfDate } from './documents';

export const HELP = `Usage: scripts/docs [--check]

Writes docs/configuration.md, docs/errors.md and docs/metrics.md from the sources.

  --check   write nothing; list what is out of date, and exit with 1 when anything is
`;

/** Does what the arguments say in the checkout at `root`, telling `print`. Returns the exit code. */
export function docsCommand(args: readonly string[], root: string, print: (text: string) => void): number {
  if (args.includes('-h') || args.includes('--help')) {
    print(HELP);
    return 0;
  }
  const stray = args.find((arg) => arg !== '--check');
  if (stray !== undefined) {
    print(`${stray} is not understood.\n\n${HELP}`);
    return 2;
  }
  const documents = outOfDate(root);
  if (args.includes('--check')) {
    for (const { path } of documents) print(`${path} is out of date: run ./scripts/docs\n`);
    return documents.length === 0 ? 0 : 1;
  }
  for (const { path, text } of documents) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text());
    print(`${path} written\n`);
  }
  return 0;
}
