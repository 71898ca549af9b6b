/** The benchmarks' command line: `scripts/bench`. Figures on standard output, what is going on on standard error. */
import { CommanderError } from 'commander';
import { Interrupted } from './interruption';
import { makeBenchProgram } from './program';

makeBenchProgram()
  .parseAsync(process.argv)
  .then(
    () => process.exit(),
    (error: unknown) => {
      if (error instanceof CommanderError) process.exit(error.exitCode);
      if (error instanceof Interrupted) process.exit(130);
      process.stderr.write(`${error instanceof Error ? error.stack : String(error)}\n`);
      process.exit(1);
    },
  );
