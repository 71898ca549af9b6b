import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { Command, InvalidArgumentError, Option } from 'commander';
import { backupSuite } from './backup-suite';
import { Deployment } from './deployment';
import { growSuite } from './grow-suite';
import { Interruption } from './interruption';
import { cycleTimePlot } from './plot';
import { readSuite } from './read-suite';
import { recoverSuite } from './recover-suite';
import { backupReport, readReport, recoverReport, scaleReport, warmReport } from './report';
import { scaleSuite } from './scale-suite';
import { MODEL_KINDS, type ModelKind } from './synthetic-models';
import { warmSuite } from './warm-suite';

interface WarmArguments {
  readonly categories: number;
  readonly model: ModelKind;
  readonly refresh: 'always' | 'changed';
  readonly json?: boolean;
}

interface ScaleArguments {
  readonly categories: number;
  readonly model: ModelKind;
  readonly workers: readonly number[];
  readonly rounds?: number;
  readonly grow?: readonly number[];
  readonly svg?: string;
  readonly json?: boolean;
}

interface ReadArguments {
  readonly categories: number;
  readonly rounds: number;
  readonly json?: boolean;
}

interface RecoverArguments {
  readonly categories: number;
  readonly reads: number;
  readonly json?: boolean;
}

interface BackupArguments {
  readonly categories: number;
  readonly rounds: number;
  readonly window: number;
  readonly json?: boolean;
}

const PERIOD_SECONDS = 20;

const say = (line: string): void => void process.stderr.write(`${line}\n`);

/** Prints the figures: with `json` as one object on the last line, for people as a table. */
function print(json: boolean | undefined, figures: object, text: () => string): void {
  process.stdout.write(json ? `${JSON.stringify(figures)}\n` : `${text()}\n`);
}

export function makeBenchProgram(): Command {
  const program = new Command('scripts/bench').description(
    'Measures Forewarm on this machine, on real servers of its own. Ratios count: each is of the same run, its parts in turn.',
  );
  program
    .command('warm')
    .description('a cycle against bare inference of the same grid, and against a first script')
    .addOption(modelOption())
    .option('--categories <n>', 'size of the grid: categories of 168 cells', count, 1_000)
    .addOption(
      new Option('--refresh <which>', 'what a cycle computes').choices(['always', 'changed']).default('always'),
    )
    .option('--json', 'the figures as one JSON object on the last line')
    .action(async ({ json, ...options }: WarmArguments) => {
      const result = await withDeployment((deployment) => warmSuite(deployment, { ...options, say }));
      print(json, result.figures, () => warmReport(result));
    });
  program
    .command('scale')
    .description('cycles by number of worker processes, and by size of the grid')
    .addOption(modelOption())
    .option('--categories <n>', 'size of the grid for --workers', count, 2_000)
    .option('--workers <list>', 'numbers of worker processes', counts, [1, 2])
    .option('--grow <list>', 'numbers of categories, such as 100,1000,10000,100000', counts)
    .option(
      '--rounds <n>',
      'how often each number of workers is measured (default: 7, or 3 where cycles take long)',
      count,
    )
    .option('--svg <file>', 'with --grow: where to write the plot of cycle time against categories')
    .option('--json', 'the figures as one JSON object on the last line')
    .action(async ({ json, grow: sizes, svg, ...options }: ScaleArguments) => {
      const { model } = options;
      const scaled = await withDeployment((deployment) => scaleSuite(deployment, { ...options, say }));
      const grown = sizes === undefined ? undefined : await growSuite(() => Deployment.start(), { model, sizes, say });
      if (svg !== undefined && grown !== undefined) {
        mkdirSync(dirname(svg), { recursive: true });
        writeFileSync(svg, cycleTimePlot(`Cycle time, ${model}`, grown.grow, PERIOD_SECONDS));
        say(`${svg} written`);
      }
      const figures = { suite: 'scale', model, ...scaled, ...grown };
      print(json, figures, () => scaleReport(scaled, grown));
    });
  program
    .command('read')
    .description('reads of the library and of HTTP against bare Redis, direct inference and other caches')
    .option('--categories <n>', 'size of the grid: categories of 168 cells', count, 1_000)
    .option('--rounds <n>', 'how often each is measured', count, 7)
    .option('--json', 'the figures as one JSON object on the last line')
    .action(async ({ json, ...options }: ReadArguments) => {
      const result = await withDeployment((deployment) => readSuite(deployment, { ...options, say }));
      print(json, result, () => readReport(result));
    });
  program
    .command('recover')
    .description('reads that go on while Redis is emptied, killed and frozen, and PostgreSQL frozen with it')
    .option('--categories <n>', 'size of the grid: categories of 168 cells', count, 1_000)
    .option('--reads <n>', 'how many in a second', count, 2_000)
    .option('--json', 'the figures as one JSON object on the last line')
    .action(async ({ json, ...options }: RecoverArguments) => {
      const figures = await withDeployment((deployment, signal) =>
        recoverSuite(deployment, { ...options, say, signal }),
      );
      print(json, figures, () => recoverReport(figures));
    });
  program
    .command('backup')
    .description('backups and restores against redis-cli --rdb and a first script, and what readers notice of them')
    .option('--categories <n>', 'size of the grid: categories of 168 cells', count, 10_000)
    .option('--rounds <n>', 'how often each is measured', count, 3)
    .option('--window <ms>', 'how long readers are measured at a time', count, 3_000)
    .option('--json', 'the figures as one JSON object on the last line')
    .action(async ({ json, window: windowMs, ...options }: BackupArguments) => {
      const figures = await withDeployment((deployment, signal) =>
        backupSuite(deployment, { ...options, windowMs, say, signal }),
      );
      print(json, figures, () => backupReport(figures));
    });
  return program;
}

function modelOption(): Option {
  return new Option('--model <kind>', 'mlp: 3-64-64-1; trees: 300 of depth 6').choices([...MODEL_KINDS]).default('mlp');
}

/** What was started for `work` is stopped again, also when it is interrupted. */
async function withDeployment<T>(work: (deployment: Deployment, signal: AbortSignal) => Promise<T>): Promise<T> {
  const interruption = new Interruption();
  const deployment = await Deployment.start();
  try {
    return await interruption.orEnd(work(deployment, interruption.signal));
  } finally {
    await deployment.stop();
    interruption.end();
  }
}

function count(text: string): number {
  if (/^[1-9]\d{0,6}$/.test(text)) return Number(text);
  throw new InvalidArgumentError('Expected a whole number from 1 to 9999999.');
}

function counts(text: string): number[] {
  return text
    .split(',')
    .map(count)
    .sort((a, b) => a - b);
}
