#!/usr/bin/env node
import { CommanderError } from 'commander';
import { environment } from '#shared/config/environment';
import { ERROR_CATALOGUE, EXIT_CODES, ForewarmError } from '#shared/errors';
import { coloursFor } from './cli/colours';
import { makeProgram } from './cli/program';

/** One clear error, and the exit code that goes with it. A stack is shown only for what should not have happened. */
function report(error: unknown): number {
  // Help or the version was shown.
  if (error instanceof CommanderError) return EXIT_CODES.ok;
  const title = coloursFor(process.stderr, environment()).red('error');
  if (!(error instanceof ForewarmError)) {
    const stack = error instanceof Error ? error.stack : String(error);
    process.stderr.write(`${title} FW_INTERNAL: ${stack}\n  ${ERROR_CATALOGUE.FW_INTERNAL.next}\n`);
    return EXIT_CODES.internal;
  }
  if (process.argv.includes('--json')) process.stderr.write(`${JSON.stringify({ error })}\n`);
  else process.stderr.write(`${title} ${error.code}: ${error.message}\n  ${error.next}\n`);
  return error.exitCode;
}

/** Resolves when all that was written so far has been taken, or cannot be any more. */
function taken(stream: NodeJS.WriteStream): Promise<void> {
  return new Promise((resolve) => stream.write('', () => resolve()));
}

/** A reader that has seen enough (`| head`) is no error, and ends no running system. A disk that is full is one. */
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE' || process.exitCode) return;
  const next = 'Look at the file or device that standard output goes to.';
  process.exitCode = report(new ForewarmError('FW_INTERNAL', `the answer was not written: ${error.message}`, { next }));
});
process.stderr.on('error', () => undefined);

makeProgram()
  .parseAsync(process.argv)
  .then(
    () => EXIT_CODES.ok,
    (error: unknown) => report(error),
  )
  .then(async (code) => {
    process.exitCode ??= code;
    await Promise.all([taken(process.stdout), taken(process.stderr)]);
    // What has ended may still hold a timer, as a connection does that was refused: the process does not wait for that.
    process.exit();
  });
