/** The command line of scripts/train-sample-model. */
import { parseArgs } from 'node:util';
import { UserError } from './user-error';

export const HELP = `Usage: scripts/train-sample-model [--out FILE | --check | --validate] [--json]

Trains the sample model on the first 29 weeks of samples/montco911/data, judges it on the last 7
and writes samples/montco911/model.onnx and MODEL_CARD.md.

  --out FILE   write the model to FILE instead, and no model card
  --check      write nothing; exit with 1 if the files written before differ from what would be written
  --validate   write nothing; compare hyper-parameters inside the training weeks (a minute or two)
  --json       print the evaluation as one JSON object and nothing else
  --help       show this text
`;

export interface Options {
  readonly out?: string | undefined;
  readonly check: boolean;
  readonly validate: boolean;
  readonly json: boolean;
  readonly help: boolean;
}

export function readOptions(args: readonly string[]): Options {
  const { out, check = false, validate = false, json = false, help = false } = parse(args);
  if (out === '') throw new UserError('--out needs the name of a file');
  const modes = [out !== undefined, check, validate].filter(Boolean).length;
  if (modes > 1) throw new UserError('--out, --check and --validate exclude one another');
  if (validate && json) throw new UserError('--validate has no JSON output');
  return { out, check, validate, json, help };
}

function parse(args: readonly string[]) {
  const boolean = { type: 'boolean' } as const;
  const options = { out: { type: 'string' }, check: boolean, validate: boolean, json: boolean, help: boolean } as const;
  try {
    return parseArgs({ args: [...args], options }).values;
  } catch (error) {
    throw new UserError(`${(error as Error).message.split('. ')[0]} (--help shows the options)`);
  }
}
