/** Trains, judges and writes the sample model; see options.ts for the command line. */
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { boost } from './boost';
import { type Dataset, readDataset, TEST_WEEKS, TRAIN_WEEKS } from './data';
import { type Evaluation, evaluate, shortcomings } from './evaluate';
import { exportOnnx } from './export-onnx';
import { learnTables, trainingSet } from './features';
import { modelCard } from './model-card';
import { HELP, type Options, readOptions } from './options';
import type { Accuracy } from './poisson';
import { SETTINGS } from './settings';
import { UserError } from './user-error';
import { validate } from './validate';

/** dist/scripts/train-sample-model -> the root of the checkout. */
const SAMPLE = path.resolve(__dirname, '../../../samples/montco911');
const MODEL = path.join(SAMPLE, 'model.onnx');
const CARD = path.join(SAMPLE, 'MODEL_CARD.md');

type Print = (line: string) => void;

const toStdout: Print = (line) => process.stdout.write(`${line}\n`);

async function main(options: Options): Promise<void> {
  if (options.help) {
    process.stdout.write(HELP);
    return;
  }
  const dataset = readDataset(path.join(SAMPLE, 'data'));
  if (options.validate) validate(dataset, SETTINGS, toStdout);
  else await trainAndJudge(dataset, options);
}

async function trainAndJudge(dataset: Dataset, options: Options): Promise<void> {
  const print: Print = options.json ? () => {} : toStdout;
  const model = train(dataset, print);
  const evaluation = await evaluate(model, dataset);
  if (options.json) toStdout(JSON.stringify(evaluation));
  else printEvaluation(evaluation);
  const [shortcoming] = shortcomings(evaluation);
  if (shortcoming !== undefined) throw new UserError(shortcoming);
  deliver(options, model, modelCard(evaluation, SETTINGS), print);
}

function train(dataset: Dataset, print: Print): Uint8Array {
  const started = performance.now();
  const weeks = { from: 0, to: TRAIN_WEEKS };
  const tables = learnTables(dataset, weeks, SETTINGS);
  const set = trainingSet(dataset, weeks, tables);
  print(`training ${SETTINGS.trees} trees on ${set.counts.length} cells, ${set.columns.length} features`);
  const { trees } = boost(set, SETTINGS, (count) => {
    if (count % 25 === 0) print(`  ${count} trees`);
  });
  print(`trained in ${((performance.now() - started) / 1000).toFixed(1)} s`);
  return exportOnnx(tables, trees);
}

function printEvaluation({ bytes, sha256, heldOut, differentBits }: Evaluation): void {
  const row = (name: string, { deviance, absoluteError }: Accuracy) =>
    toStdout(`${name.padEnd(32)}${deviance.toFixed(4).padStart(10)}${absoluteError.toFixed(4).padStart(16)}`);
  toStdout(`${bytes} bytes, sha256 ${sha256}`);
  for (const { asked, cells } of differentBits) toStdout(`asked ${asked}: ${cells} answers with other bits`);
  toStdout(`\n${`held-out ${TEST_WEEKS} weeks`.padEnd(32)}${'deviance'.padStart(10)}${'absolute error'.padStart(16)}`);
  row('this model', heldOut.model);
  row('mean of the cell in training', heldOut.baseline);
  row('noise floor', heldOut.noiseFloor);
}

function deliver(options: Options, model: Uint8Array, card: string, print: Print): void {
  if (options.check) {
    requireSame(MODEL, model);
    requireSame(CARD, Buffer.from(card));
    print('\nmodel.onnx and MODEL_CARD.md are what this script writes');
  } else if (options.out !== undefined) {
    write(options.out, model);
    print(`\nwrote ${options.out}`);
  } else {
    write(MODEL, model);
    write(CARD, Buffer.from(card));
    print('\nwrote model.onnx and MODEL_CARD.md in samples/montco911');
  }
}

function requireSame(file: string, expected: Uint8Array): void {
  const found = attempt(`cannot read ${file}`, () => readFileSync(file));
  if (!found.equals(expected)) throw new UserError(`${file} differs from what this script writes`);
}

function write(file: string, bytes: Uint8Array): void {
  attempt(`cannot write ${file}`, () => writeFileSync(file, bytes));
}

function attempt<T>(what: string, action: () => T): T {
  try {
    return action();
  } catch (error) {
    throw new UserError(`${what}: ${(error as Error).message}`);
  }
}

async function run(): Promise<void> {
  try {
    await main(readOptions(process.argv.slice(2)));
  } catch (error) {
    process.stderr.write(error instanceof UserError ? `error: ${error.message}\n` : `${(error as Error).stack}\n`);
    process.exitCode = 1;
  }
}

void run();
