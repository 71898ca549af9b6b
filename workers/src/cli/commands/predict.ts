import type { Command } from 'commander';
import { ForewarmError } from '#shared/errors';
import type { Answer } from '#shared/predictor/answers';
import { suggestCategory } from '../../suggest-category';
import { addFolder, chooseModel, Invocation } from '../invocation';
import { parseCoordinates } from '../parse-coordinates';
import { type Asked, describeProvenance } from '../provenance';
import { withReader } from '../with-reader';

interface PredictOptions {
  readonly model?: string;
  readonly category?: string;
}

export function addPredict(program: Command): void {
  addFolder(program.command('predict'))
    .description('look one prediction up')
    .argument('<axis=value...>', 'one value for each axis, such as day=3 hour=14')
    .option('--model <name>', 'the model; may be left out when only one is configured')
    // Not a `requiredOption`: with one that is misspelt, commander would call it missing.
    .option('--category <text>', 'the category, exactly as it is configured (required)')
    .addHelpText('after', '\nExample:\n  forewarm predict --category "EMS: CARDIAC EMERGENCY" day=3 hour=14')
    .action(async (pairs: string[], options: PredictOptions, command: Command) => {
      const invocation = new Invocation(command);
      const coordinates = parseCoordinates(pairs);
      const { category } = options;
      if (category === undefined) throw new ForewarmError('FW_USAGE', 'predict needs a --category');
      const config = invocation.configToLook();
      const model = chooseModel(config, options.model);
      const { name } = model;
      const answer = await withReader(config, model, (reader) => reader.predict(name, category, coordinates)).catch(
        (error: unknown) => {
          throw suggestCategory(error, model, [category]);
        },
      );
      invocation.answer({ model: name, category, coordinates, ...answer }, () =>
        describeAnswer({ model: name, category, axes: pairs.join(' ') }, answer, invocation.columns),
      );
    });
}

/** A few lines for people: the values first, then where they come from. */
export function describeAnswer(asked: Asked, answer: Answer, columns: number): string {
  const width = Math.max(...Object.keys(answer.values).map((name) => name.length));
  const values = Object.entries(answer.values).map(([name, value]) => `${name.padEnd(width)}  ${shortest(value)}`);
  return [...values, ...describeProvenance(asked, answer, columns)].join('\n');
}

/** The shortest decimal that is the same float32: 0.0137228 for what a double shows as 0.013722804374992847. */
function shortest(value: number): string {
  for (let digits = 6; digits < 9; digits++) {
    const text = value.toPrecision(digits);
    if (Math.fround(Number(text)) === value) return String(Number(text));
  }
  return String(Number(value.toPrecision(9)));
}
