/** Writes the pages that are generated from the sources; see command.ts for the command line. */
import { resolve } from 'node:path';
import { docsCommand } from './command';

/** dist/scripts/docs -> the root of the checkout. */
const ROOT = resolve(__dirname, '../../..');

process.exitCode = docsCommand(process.argv.slice(2), ROOT, (text) => process.stdout.write(text));
