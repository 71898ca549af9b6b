#!/usr/bin/env node
import { CommanderError } from 'commander';
import pc from 'picocolors';
import { ERROR_CATALOGUE, EXIT_CODES, ForewarmError } from '#shared/errors';
import { makeProgram, usageError } from './cli/program';

/** One clear error, and the exit code that goes with it. A stack is shown only for what should not have happened. */
function report(error: unknown): number {
  const known = error instanceof CommanderError ? usageError(error) : error;
  if (known === undefined) return EXIT_CODES.ok;
  if (!(known instanceof ForewarmError)) {
    const stack = known instanceof Error ? known.stack : String(known);
    process.stderr.write(`${pc.red('error')} FW_INTERNAL: ${stack}\n  ${ERROR_CATALOGUE.FW_INTERNAL.next}\n`);
    return EXIT_CODES.internal;
  }
  if (process.argv.includes('--json')) process.stderr.write(`${JSON.stringify({ error: known })}\n`);
  else process.stderr.write(`${pc.red('error')} ${known.code}: ${known.message}\n  ${known.next}\n`);
  return known.exitCode;
}

makeProgram()
  .parseAsync(process.argv)
  .then(
    () => EXIT_CODES.ok,
    (error: unknown) => report(error),
  )
  .then((code) => {
    process.exitCode = code;
  });
