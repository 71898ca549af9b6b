import { ForewarmError } from '../errors';

/** A named finite list of values: integers, finite numbers or strings. */
export interface Axis {
  readonly name: string;
  readonly values: readonly (number | string)[];
}

export type Coordinates = Readonly<Record<string, number | string>>;

/** Cells of one row: the product of the axes' lengths. */
export function cellCount(axes: readonly Axis[]): number {
  return axes.reduce((cells, axis) => cells * axis.values.length, 1);
}

/** How many cells lie between two neighbours on each axis; the last axis varies fastest. */
export function strides(axes: readonly Axis[]): number[] {
  const steps: number[] = new Array(axes.length).fill(1);
  for (let i = axes.length - 2; i >= 0; i--) steps[i] = (steps[i + 1] ?? 1) * (axes[i + 1]?.values.length ?? 1);
  return steps;
}

/** The value of every axis at a cell, in axis order. */
export function coordinatesOf(axes: readonly Axis[], cell: number): (number | string)[] {
  const steps = strides(axes);
  return axes.map((axis, i) => {
    const position = Math.floor(cell / (steps[i] ?? 1)) % axis.values.length;
    return axis.values[position] as number | string;
  });
}

/** A cell for people, such as `day=3 hour=12`. */
export function cellText(axes: readonly Axis[], cell: number): string {
  const values = coordinatesOf(axes, cell);
  return axes.map(({ name }, i) => `${name}=${values[i]}`).join(' ');
}

/**
 * The cell at these coordinates, 0-based. Values may be given as text (`"3"`), as from a command line or a query string.
 * @throws ForewarmError FW_CELL_UNKNOWN naming the axis that is missing, unknown or has no such value.
 */
export function cellIndex(axes: readonly Axis[], coordinates: Coordinates): number {
  const unknown = Object.keys(coordinates).filter((name) => !axes.some((axis) => axis.name === name));
  const names = axes.map((axis) => axis.name).join(', ');
  if (unknown.length > 0) {
    throw new ForewarmError('FW_CELL_UNKNOWN', `no axis is named ${unknown.join(', ')}; the axes are ${names}`);
  }
  const steps = strides(axes);
  return axes.reduce(
    (cell, axis, i) =>
      cell +
      (steps[i] ?? 1) *
        positionOn(axis, Object.hasOwn(coordinates, axis.name) ? coordinates[axis.name] : undefined, names),
    0,
  );
}

function positionOn(axis: Axis, value: number | string | undefined, names: string): number {
  if (value === undefined) {
    throw new ForewarmError('FW_CELL_UNKNOWN', `axis ${axis.name} is not given; the axes are ${names}`);
  }
  const position = axis.values.findIndex((candidate) => candidate === value || String(candidate) === String(value));
  if (position < 0) {
    throw new ForewarmError('FW_CELL_UNKNOWN', `${axis.name}=${value} is not on the axis; it has ${describe(axis)}`);
  }
  return position;
}

function describe(axis: Axis): string {
  if (axis.values.length <= 12) return axis.values.join(', ');
  return `${axis.values.length} values from ${axis.values[0]} to ${axis.values[axis.values.length - 1]}`;
}
