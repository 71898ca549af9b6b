import { type Axis, type Coordinates, cellIndex, strides } from '../cache/grid';

/** Finds the cell at coordinates as `cellIndex` does, with one look-up for each axis: it is asked for every prediction. */
export class CellFinder {
  private readonly axes: readonly Axis[];
  private readonly names: readonly string[];
  /** No configuration lets two axes of one name through; a pointer of another program might. */
  private readonly distinct: boolean;
  /** For each axis, how far each of its values lies from the first cell. */
  private readonly offsets: readonly ReadonlyMap<unknown, number>[];

  constructor(axes: readonly Axis[]) {
    this.axes = axes;
    this.names = axes.map(({ name }) => name);
    this.distinct = new Set(this.names).size === axes.length;
    const steps = strides(axes);
    this.offsets = axes.map(({ values }, i) => {
      const offsets = new Map<unknown, number>();
      // Each value as it is and as text; where two look alike, the first.
      values.forEach((value, position) => {
        const text = String(value);
        const offset = offsets.get(text) ?? position * (steps[i] ?? 1);
        offsets.set(text, offset);
        offsets.set(value, offset);
      });
      return offsets;
    });
  }

  /** @throws ForewarmError FW_CELL_UNKNOWN naming the axis that is missing, unknown or has no such value */
  find(coordinates: Coordinates): number {
    let cell = 0;
    if (!this.distinct) return cellIndex(this.axes, coordinates);
    for (let i = 0; i < this.names.length; i++) {
      const offset = this.offsets[i]?.get(coordinates[this.names[i] as string]);
      if (offset === undefined) return cellIndex(this.axes, coordinates);
      cell += offset;
    }
    let given = 0;
    for (const _ in coordinates) given++;
    return given === this.names.length ? cell : cellIndex(this.axes, coordinates);
  }
}
