import { type Axis, type Coordinates, cellIndex, coordinatesOf, strides } from '#shared/cache/grid';
import { ForewarmError } from '#shared/errors';
import type { RowAnswer } from '#shared/predictor/answers';

/** What to show of a row; what is not asked for is chosen. */
export interface SliceRequest {
  /** Default: the first. */
  readonly output?: string | undefined;
  /** One or two names. Default: the first two that have no value in `coordinates`. */
  readonly axes?: readonly string[] | undefined;
  /** Values of axes that are not shown. Default for each: its first. */
  readonly coordinates: Coordinates;
}

/** An axis that is not shown, held at one value. */
export interface FixedAxis {
  readonly axis: Axis;
  readonly value: number | string;
  /** Whether the value was asked for. */
  readonly chosen: boolean;
}

/** Two axes of a row as a table, or one as a single line; the others are held at one value each. */
export interface GridSlice {
  readonly output: string;
  /** `undefined` for a single line. */
  readonly down: Axis | undefined;
  readonly across: Axis;
  readonly fixed: readonly FixedAxis[];
  /** One list for each value down, or the only one; each has one number for each value across. */
  readonly values: readonly (readonly number[])[];
}

type Grid = Pick<RowAnswer, 'axes' | 'outputs' | 'values'>;

/** @throws ForewarmError FW_USAGE for outputs and axes that cannot be shown, FW_CELL_UNKNOWN for coordinates */
export function sliceOf({ axes, outputs, values }: Grid, request: SliceRequest): GridSlice {
  const output = request.output ?? outputs[0] ?? '';
  const k = outputs.indexOf(output);
  if (k < 0) throw usage(`there is no output ${output}; the outputs are ${outputs.join(', ')}`);
  const shown = chooseAxes(axes, request);
  const [across, down] = shown.length === 1 ? [shown[0]] : [shown[1], shown[0]];
  if (across === undefined) throw usage('every axis has one value: `forewarm predict` looks one prediction up');

  const firsts = Object.fromEntries(axes.map(({ name, values: [first = 0] }) => [name, first]));
  const corner = cellIndex(axes, { ...firsts, ...request.coordinates });
  const at = coordinatesOf(axes, corner);
  const steps = strides(axes);
  const step = (axis: Axis): number => steps[axes.indexOf(axis)] ?? 1;
  const rowStarts = (down?.values ?? [0]).map((_, i) => corner + (down === undefined ? 0 : i * step(down)));
  return {
    output,
    down,
    across,
    fixed: axes.flatMap((axis, i) =>
      shown.includes(axis) ? [] : [{ axis, value: at[i] ?? 0, chosen: Object.hasOwn(request.coordinates, axis.name) }],
    ),
    values: rowStarts.map((start) =>
      across.values.map((_, i) => values[(start + i * step(across)) * outputs.length + k] ?? Number.NaN),
    ),
  };
}

function chooseAxes(axes: readonly Axis[], { axes: wanted, coordinates }: SliceRequest): Axis[] {
  if (wanted === undefined) return axes.filter(({ name }) => !Object.hasOwn(coordinates, name)).slice(0, 2);
  if (wanted.length > 2 || new Set(wanted).size < wanted.length) {
    throw usage(`--axes ${wanted.join(',')}: expected one axis, or two different ones`);
  }
  return wanted.map((name) => {
    const axis = axes.find((candidate) => candidate.name === name);
    const names = axes.map((candidate) => candidate.name).join(', ');
    if (axis === undefined) throw usage(`--axes: no axis is named ${JSON.stringify(name)}; the axes are ${names}`);
    if (!Object.hasOwn(coordinates, name)) return axis;
    throw usage(`axis ${name} is shown whole: it takes no value beside --axes`);
  });
}

function usage(message: string): ForewarmError {
  return new ForewarmError('FW_USAGE', message, { next: 'See forewarm show --help.' });
}
