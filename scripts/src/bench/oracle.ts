import type { BareGrid } from './bare-grid';
import { CELLS } from './grid';

const bits = new Float32Array(1);
const word = new Uint32Array(bits.buffer);

/** What the model itself says for every cell, known before anybody is asked. */
export class Oracle {
  private readonly words: Uint32Array;

  private constructor(values: Float32Array) {
    this.words = new Uint32Array(values.buffer, values.byteOffset, values.length);
  }

  /** By direct inference of the whole grid. */
  static async of(categories: number, grid: BareGrid): Promise<Oracle> {
    const numbers = Array.from({ length: categories }, (_, i) => i + 1);
    return new Oracle(await grid.values(numbers));
  }

  /** Whether these are the bits of the cell's value. @param category 0-based; @param cell in its row */
  agrees(category: number, cell: number, value: number | undefined): boolean {
    if (value === undefined) return false;
    bits[0] = value;
    // Float32 as it was sent: a number that only rounds to it is another one.
    return bits[0] === value && word[0] === this.words[category * CELLS + cell];
  }
}
