import type { Axis } from '#shared/cache/grid';
import type { ModelConfig } from '#shared/config/types';

/** What the OpenAPI document says of the models of the configuration, beside what holds for all. */

interface Operation {
  readonly operationId?: string;
  readonly summary?: string;
  readonly parameters?: readonly Parameter[];
}

interface Parameter {
  readonly name: string;
  readonly in: string;
}

type Paths = Readonly<Record<string, Readonly<Record<string, Operation>>>>;

/** Axes and categories with more values than that are described, not listed. */
const MOST_LISTED = 64;

/** The paths of predictions and rows under the name of the model, with its axes as parameters. */
export function modelPaths(model: ModelConfig, paths: object): Record<string, unknown> {
  const own: Record<string, unknown> = {};
  for (const [path, methods] of Object.entries(paths as Paths)) {
    const axes = AXES_OF[path]?.(model);
    if (axes === undefined || methods.get === undefined) continue;
    const { get } = methods;
    const parameters = [categoryParameter(model), ...axes];
    const [operationId, summary] = [`${get.operationId}_${model.name}`, `${get.summary}: ${model.name}`];
    own[path.replace('{model}', model.name)] = { get: { ...get, operationId, summary, parameters } };
  }
  return own;
}

const AXES_OF: Readonly<Record<string, (model: ModelConfig) => readonly unknown[]>> = {
  '/v1/models/{model}/predictions': ({ axes }) => axes.map(axisParameter),
  '/v1/models/{model}/rows': () => [],
};

function categoryParameter({ categories, unknownCategories }: ModelConfig): unknown {
  const listed = categories.length <= MOST_LISTED && unknownCategories === 'refuse';
  const schema = { type: 'string', ...(listed && { enum: categories }) };
  const description = `One of ${categories.length} categories that are kept warm; names are exact.`;
  return { name: 'category', in: 'query', required: true, description, schema, example: categories[0] };
}

function axisParameter({ name, values }: Axis): unknown {
  const [first] = values;
  const type = typeof first === 'string' ? 'string' : values.every(Number.isInteger) ? 'integer' : 'number';
  const schema = { type, ...(values.length <= MOST_LISTED && { enum: values }) };
  const description = `An axis of ${values.length} values, from ${first} to ${values.at(-1)}.`;
  return { name, in: 'query', required: true, description, schema, example: first };
}
