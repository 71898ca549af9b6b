import type { Command } from 'commander';
import type { Pool } from 'pg';
import { ModelCache } from '#shared/cache/model-cache';
import { ForewarmError } from '#shared/errors';
import type { ComparedGeneration } from '#shared/rollout/compare-generations';
import { diffGenerations, type GenerationsDiff } from '#shared/rollout/diff-generations';
import { percent } from '#shared/rollout/gates';
import { findGeneration } from '#shared/rollout/roll-back';
import { GenerationStore } from '#shared/store/generation-store';
import { changeTable } from '../change-table';
import { colourDepthFor } from '../colours';
import { drawMap } from '../heat-map/draw-map';
import { sliceOf } from '../heat-map/grid-slice';
import { layOut } from '../heat-map/map-layout';
import { addFolder, chooseModel, Invocation } from '../invocation';
import { withPostgres } from '../with-postgres';
import { withRedis } from '../with-redis';

interface DiffOptions {
  readonly model?: string;
  readonly category?: string;
  readonly output?: string;
  readonly axes?: string;
}

export function addDiff(program: Command): void {
  addFolder(program.command('diff'))
    .description('how two generations differ: a heat map of the mean relative change, and the rows that changed most')
    .argument('[from]', 'a generation, or how its id begins')
    .argument(
      '[to]',
      'another one; when both are left out: from what is live to what waits, or from the one before to what is live',
    )
    .option('--model <name>', 'the model; may be left out when only one is configured')
    .option('--category <text>', 'only this category')
    .option('--output <name>', 'the output that is shown; the first when left out')
    .option('--axes <names>', 'the axis down and the axis across, such as day,hour')
    .action((from: string | undefined, to: string | undefined, options: DiffOptions, command: Command) =>
      run(new Invocation(command), from, to, options),
    );
}

async function run(
  invocation: Invocation,
  from: string | undefined,
  to: string | undefined,
  options: DiffOptions,
): Promise<void> {
  const config = invocation.configOfRunning();
  const model = chooseModel(config, options.model);
  const categories = options.category === undefined ? model.categories : [options.category];
  const { diff, shape } = await withPostgres(config, 'what is known of generations lives in PostgreSQL', (pool) =>
    withRedis(config.redis.cacheUrl, async (redis) => {
      const cache = new ModelCache(redis, config.keyPrefix, model.name);
      const [one, other] = await chosen(cache, pool, from, to);
      return { diff: await diffGenerations(cache, categories, one, other), shape: one };
    }),
  );
  if (diff.same + diff.changed === 0) {
    const which = options.category === undefined ? 'no category' : JSON.stringify(options.category);
    const what = `${which} of ${model.name} has a row in both ${diff.from} and ${diff.to}`;
    throw new ForewarmError('FW_CATEGORY_UNKNOWN', what);
  }
  const { byValue, ...document } = diff;
  const { axes, outputs } = shape;
  invocation.answer({ model: model.name, ...document, axes, outputs, byValue: [...byValue] }, () =>
    describe(invocation, model.name, diff, shape, options),
  );
}

/** @throws ForewarmError FW_NOT_WARMED, FW_GENERATION_UNKNOWN */
async function chosen(
  cache: ModelCache,
  pool: Pool,
  from: string | undefined,
  to: string | undefined,
): Promise<[ComparedGeneration, ComparedGeneration]> {
  const store = new GenerationStore(pool);
  const { model } = cache;
  const [live, known] = await Promise.all([cache.pointer(), store.list(model)]);
  if (live === undefined) throw new ForewarmError('FW_NOT_WARMED', `nothing is published for model ${model}`);
  const waiting = known.find(({ id, publishedAt }) => publishedAt === null && id !== live.generation)?.id;
  // What is about to happen, or else what happened last.
  const [before, after] = waiting === undefined ? [live.previous, live.generation] : [live.generation, waiting];
  const one = from === undefined ? before : await findGeneration(store, model, from);
  const other = to === undefined ? after : await findGeneration(store, model, to);
  if (one === null || other === one) {
    const what = `nothing is kept of ${model} that ${other} could be compared with`;
    throw new ForewarmError('FW_GENERATION_UNKNOWN', what);
  }
  return [await shapeOf(store, model, one), await shapeOf(store, model, other)];
}

async function shapeOf(store: GenerationStore, model: string, id: string): Promise<ComparedGeneration> {
  const record = await store.find(model, id);
  if (record !== undefined) return { generation: id, axes: record.axes, outputs: record.outputs };
  throw new ForewarmError('FW_GENERATION_UNKNOWN', `nothing is kept of generation ${id} of ${model}`);
}

function describe(
  invocation: Invocation,
  model: string,
  diff: GenerationsDiff,
  { axes, outputs }: ComparedGeneration,
  options: DiffOptions,
): string {
  const { colours, environment, columns } = invocation;
  const { from, to, same, changed, onlyInFrom, onlyInTo, meanChange, byValue, largest } = diff;
  const lines = [
    `${model}: from ${from} to ${to}`,
    `  rows    ${same} the same, ${changed} changed; ${onlyInFrom.length} only in ${from}, ${onlyInTo.length} only in ${to}`,
    `  change  ${meanChange === null ? 'nothing to compare' : percent(meanChange)} of all values, on the mean`,
  ];
  if (changed === 0) return lines.join('\n');
  const names = options.axes?.split(',').map((axis) => axis.trim());
  const percents = Float32Array.from(byValue, (share) => 100 * share);
  const grid = { axes, outputs, values: percents };
  const slice = sliceOf(grid, { output: options.output, axes: names, coordinates: {} });
  const depth = colours.isColorSupported ? colourDepthFor(environment) : undefined;
  const map = drawMap(
    { ...slice, output: `mean relative change of ${slice.output}, %,` },
    layOut(slice, columns, depth !== undefined),
    { colours, depth },
  );
  return [...lines, '', ...map, ...changeTable(largest, grid, invocation)].join('\n');
}
