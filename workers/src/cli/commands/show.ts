import type { Command } from 'commander';
import type { RowAnswer } from '#shared/predictor/answers';
import { suggestCategory } from '../../suggest-category';
import { colourDepthFor } from '../colours';
import { drawMap } from '../heat-map/draw-map';
import { type FixedAxis, type GridSlice, sliceOf } from '../heat-map/grid-slice';
import { layOut } from '../heat-map/map-layout';
import { addFolder, chooseModel, Invocation } from '../invocation';
import { parseCoordinates } from '../parse-coordinates';
import { describeProvenance } from '../provenance';
import { withReader } from '../with-reader';

/** What of a row is shown. */
export interface ShowOptions {
  readonly model?: string;
  readonly output?: string;
  readonly axes?: string;
}

export function addShow(program: Command): void {
  addFolder(program.command('show'))
    .description('show all predictions of a category as a heat map')
    .argument('<category>', 'the category, exactly as it is configured')
    .argument('[axis=value...]', 'values of the axes that are not shown; the first of each when left out')
    .option('--model <name>', 'the model; may be left out when only one is configured')
    .option('--output <name>', 'the output of the model; the first when left out')
    .option('--axes <names>', 'the axis down and the axis across, such as day,hour, or one for a single line')
    .addHelpText('after', '\nExample:\n  forewarm show "EMS: CARDIAC EMERGENCY" --axes hour,day')
    .action(async (category: string, pairs: string[], options: ShowOptions, command: Command) => {
      const invocation = new Invocation(command);
      parseCoordinates(pairs);
      const config = invocation.configToLook();
      const model = chooseModel(config, options.model);
      const { name } = model;
      const row = await withReader(config, model, (reader) => reader.row(name, category)).catch((error: unknown) => {
        throw suggestCategory(error, model, [category]);
      });
      showRow(invocation, { model: name, category, row }, pairs, options);
    });
}

/**
 * Answers with a row, or a part of it: as a heat map, or as a document.
 * @throws ForewarmError FW_USAGE, FW_CELL_UNKNOWN
 */
export function showRow(
  invocation: Invocation,
  { model, category, row }: { readonly model: string; readonly category: string; readonly row: RowAnswer },
  pairs: readonly string[],
  options: ShowOptions,
): void {
  const axes = options.axes?.split(',').map((axis) => axis.trim());
  const slice = sliceOf(row, { output: options.output, axes, coordinates: parseCoordinates(pairs) });
  invocation.answer(documentOf(model, category, slice, row), () => describe(invocation, model, category, slice, row));
}

/** `values` has one list for each value of the first axis, or only numbers where there is but one axis. */
function documentOf(
  model: string,
  category: string,
  { output, down, across, fixed, values }: GridSlice,
  row: RowAnswer,
) {
  const { axes: _axes, outputs, values: _values, ...provenance } = row;
  return {
    model,
    category,
    output,
    outputs,
    axes: down === undefined ? [across] : [down, across],
    fixed: Object.fromEntries(fixed.map(({ axis, value }) => [axis.name, value])),
    values: down === undefined ? values[0] : values,
    ...provenance,
  };
}

function describe(
  { colours, columns, environment }: Invocation,
  model: string,
  category: string,
  slice: GridSlice,
  row: RowAnswer,
): string {
  const depth = colours.isColorSupported ? colourDepthFor(environment) : undefined;
  const layout = layOut(slice, columns, depth !== undefined);
  const axes = slice.fixed.map(describeFixed).join(' ');
  return [
    ...drawMap(slice, layout, { colours, depth }),
    ...describeProvenance({ model, category, axes }, row, columns),
  ].join('\n');
}

function describeFixed({ axis, value, chosen }: FixedAxis): string {
  return `${axis.name}=${value}${chosen ? '' : ` (the first of ${axis.values.length})`}`;
}
