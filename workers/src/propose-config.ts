import type { ModelFacts } from '#shared/model/describe-model';
import type { TensorDescription } from '#shared/model/spec';

/** A configuration for a model file of which only the graph is known: what its names say, and guesses for the rest. Pure. */

export interface Proposal {
  /** What stands under `models.NAME`. */
  readonly model: Readonly<Record<string, unknown>>;
  /** What is guessed, one line each: to be looked at by who knows the model. */
  readonly guesses: readonly string[];
}

type Column = Readonly<Record<string, unknown>>;

/** Axes that names tell, and their values. */
const AXES: readonly { readonly named: RegExp; readonly values: { from: number; to: number } }[] = [
  { named: /^(day|weekday|dow|dayofweek|day_of_week|week_day)$/i, values: { from: 0, to: 6 } },
  { named: /^(hour|hr|hour_of_day|hourofday)$/i, values: { from: 0, to: 23 } },
  { named: /^(month|month_of_year)$/i, values: { from: 1, to: 12 } },
  { named: /^(quarter)$/i, values: { from: 1, to: 4 } },
  { named: /^(minute|minute_of_hour)$/i, values: { from: 0, to: 59 } },
  { named: /^(week|week_of_year|weekofyear)$/i, values: { from: 1, to: 53 } },
];
const CATEGORY = /categor|station|store|shop|product|item|sku|region|zone|city|customer|segment|type$|name$|(^|_)id$/i;
/** What the columns of a matrix are taken for, of which nothing has a name. */
const MATRIX_AXES = [
  ['day', { from: 0, to: 6 }],
  ['hour', { from: 0, to: 23 }],
] as const;
const EXAMPLE = 'example';
const MOST_CATEGORIES = 50;
const AXIS_NAME = /^[A-Za-z_][A-Za-z0-9_-]{0,63}$/;

/** @param file as the configuration is to name it */
export function proposeConfig(facts: ModelFacts, file: string): Proposal {
  const guesses: string[] = [];
  const axes: Record<string, unknown> = {};
  const inputs: Record<string, unknown> = {};
  const categories = new CategoryChoice(facts);
  for (const input of facts.inputs) {
    const width = widthOf(input);
    if (width > 1) inputs[input.name] = matrix(input, width, axes, guesses);
    else single(input, axes, inputs, categories, guesses);
  }
  if (Object.keys(axes).length === 0) {
    axes.day = { from: 0, to: 6 };
    guesses.push('axes: no input looks like an axis; one that no input takes is here because there must be one');
  }
  const list = categories.list(guesses);
  const outputs = outputOf(facts, guesses);
  const given = Object.keys(inputs).length > 0 ? { inputs } : {};
  return { model: { file, axes, categories: list, ...given, ...outputs }, guesses };
}

function single(
  input: TensorDescription,
  axes: Record<string, unknown>,
  inputs: Record<string, unknown>,
  categories: CategoryChoice,
  guesses: string[],
): void {
  const { name, type } = input;
  const axis = type === 'string' ? undefined : AXES.find(({ named }) => named.test(name));
  if (axis !== undefined && AXIS_NAME.test(name)) axes[name] = axis.values;
  else if (categories.takes(input)) {
    if (name !== 'category') inputs[name] = { category: true };
  } else {
    const known = categories.known(name);
    inputs[name] = { constant: constantFor(type, known) };
    guesses.push(`inputs.${name}: a constant stands in; say which axis, category, constant or clock it is`);
  }
}

function matrix(
  { name }: TensorDescription,
  width: number,
  axes: Record<string, unknown>,
  guesses: string[],
): readonly Column[] {
  const named = MATRIX_AXES.slice(0, width);
  for (const [axis, values] of named) axes[axis] ??= values;
  guesses.push(`inputs.${name}: the file does not name its ${width} columns; list them in the order of the training`);
  const rest = Array.from({ length: width - named.length }, () => ({ constant: 0 }));
  return [...named.map(([axis]) => ({ axis })), ...rest];
}

/** Which inputs take the category: one of text, or one that is named like it. */
class CategoryChoice {
  private readonly facts: ModelFacts;
  private readonly chosen: string | undefined;

  constructor(facts: ModelFacts) {
    this.facts = facts;
    const columns = facts.inputs.filter((input) => widthOf(input) === 1);
    const isAxis = ({ name }: TensorDescription) => AXES.some(({ named }) => named.test(name));
    const texts = columns.filter(({ type }) => type === 'string');
    const like = (input: TensorDescription) => CATEGORY.test(input.name) && !isAxis(input);
    this.chosen = (
      columns.find(({ name }) => name === 'category') ??
      texts.find(like) ??
      texts[0] ??
      columns.find(like)
    )?.name;
  }

  takes({ name }: TensorDescription): boolean {
    return name === this.chosen;
  }

  /** A text that the model knows for an input. */
  known(input: string): string | undefined {
    return this.facts.vocabularies[input]?.[0];
  }

  list(guesses: string[]): string[] {
    const known = this.chosen === undefined ? undefined : this.facts.vocabularies[this.chosen];
    if (known !== undefined && known.length > 0) {
      const more = known.length > MOST_CATEGORIES ? `, the first ${MOST_CATEGORIES} of ${known.length}` : '';
      guesses.push(`categories: those that the model itself knows${more}`);
      return [...new Set(known)].filter((text) => text !== '').slice(0, MOST_CATEGORIES);
    }
    const isNumber = this.facts.inputs.some(({ name, type }) => name === this.chosen && type !== 'string');
    guesses.push('categories: an example stands in; list yours, or name a file');
    return [isNumber ? '1' : EXAMPLE];
  }
}

function outputOf({ outputs, labels }: ModelFacts, guesses: string[]): Record<string, unknown> {
  const numbers = outputs.filter(({ type }) => type.startsWith('float'));
  if (outputs.length < 2) return {};
  const chosen = numbers.find(({ name }) => /prob/i.test(name)) ?? numbers[0] ?? outputs[0];
  if (chosen === undefined) return {};
  const others = outputs.filter((output) => output !== chosen).map(({ name }) => name);
  const classes = labels[chosen.name];
  const named =
    classes === undefined
      ? ''
      : `, one value for each of ${classes.slice(0, 5).join(', ')}${classes.length > 5 ? ', ...' : ''}`;
  guesses.push(`output: ${chosen.name}${named}; there is ${others.join(', ')} as well`);
  return { output: chosen.name };
}

function constantFor(type: string, known: string | undefined): unknown {
  if (type === 'string') return known ?? EXAMPLE;
  return type === 'bool' ? false : 0;
}

function widthOf({ shape }: TensorDescription): number {
  const width = shape[1];
  return shape.length === 2 && typeof width === 'number' && width > 0 ? width : 1;
}
