import type { Tensor } from 'onnxruntime-node';
import { cellCount, coordinatesOf } from '../cache/grid';
import {
  allocate,
  convert,
  convertCategory,
  head,
  type InputType,
  isInputType,
  type TensorData,
} from './element-types';
import type { InputSource, ModelSpec, TensorDescription } from './spec';

/** Makes a tensor: the constructor of the runtime, passed in so that this file loads without it. */
export type MakeTensor = (type: InputType, data: TensorData, shape: readonly number[]) => Tensor;

interface Column {
  readonly name: string;
  readonly type: InputType;
  readonly rank: number;
  readonly source: InputSource;
  readonly data: TensorData;
}

/**
 * Turns categories into the input tensors of one call: up to `rowsPerCall` rows of the grid, cell by cell in storage
 * order. Axis columns and constants are the same for each row and are filled once; only category columns are filled
 * again per call. Buffers are reused: tensors of one `build` are valid until the next.
 */
export class FeedBuilder {
  readonly rowsPerCall: number;
  private readonly cells: number;
  private readonly columns: readonly Column[];
  private readonly makeTensor: MakeTensor;
  /** Tensors of columns that do not depend on the category, by number of rows in the call. */
  private readonly steady = new Map<number, Record<string, Tensor>>();

  /** @throws ForewarmError FW_MODEL_INPUT_VALUE when an axis value or a constant does not fit its input's type */
  constructor(
    spec: Pick<ModelSpec, 'name' | 'axes' | 'inputs'>,
    inputs: readonly TensorDescription[],
    rowsPerCall: number,
    makeTensor: MakeTensor,
  ) {
    this.rowsPerCall = rowsPerCall;
    this.cells = cellCount(spec.axes);
    this.makeTensor = makeTensor;
    this.columns = inputs.map((input) => this.column(spec, input));
  }

  /**
   * Tensors for these categories, shaped [n·C] or [n·C, 1] as each input asks.
   * @throws ForewarmError FW_MODEL_INPUT_VALUE when a category does not fit its input's type
   */
  build(categories: readonly string[]): Record<string, Tensor> {
    const rows = categories.length;
    const feeds: Record<string, Tensor> = { ...this.steadyFeeds(rows) };
    for (const column of this.columns) {
      if (column.source.from !== 'category') continue;
      categories.forEach((category, row) => {
        const value = convertCategory(category, column.type, `the category for input ${column.name}`);
        (column.data as unknown[]).fill(value, row * this.cells, (row + 1) * this.cells);
      });
      feeds[column.name] = this.tensor(column, rows);
    }
    return feeds;
  }

  private steadyFeeds(rows: number): Record<string, Tensor> {
    let feeds = this.steady.get(rows);
    if (feeds === undefined) {
      const columns = this.columns.filter((column) => column.source.from !== 'category');
      feeds = Object.fromEntries(columns.map((column) => [column.name, this.tensor(column, rows)]));
      this.steady.set(rows, feeds);
    }
    return feeds;
  }

  private tensor(column: Column, rows: number): Tensor {
    const length = rows * this.cells;
    const data = rows === this.rowsPerCall ? column.data : head(column.data, length);
    return this.makeTensor(column.type, data, column.rank === 2 ? [length, 1] : [length]);
  }

  private column(spec: Pick<ModelSpec, 'name' | 'axes' | 'inputs'>, input: TensorDescription): Column {
    const source = spec.inputs[input.name];
    if (source === undefined || !isInputType(input.type)) throw new TypeError(`input ${input.name} was not resolved`);
    const data = allocate(input.type, this.rowsPerCall * this.cells);
    const column = { name: input.name, type: input.type, rank: input.shape.length, source, data };
    if (source.from === 'axis') this.fillAxis(column, spec, source.axis);
    if (source.from === 'constant') {
      const where = `models.${spec.name}.inputs.${input.name}`;
      (data as unknown[]).fill(convert(source.value, input.type, where));
    }
    return column;
  }

  private fillAxis(column: Column, spec: Pick<ModelSpec, 'name' | 'axes'>, axisName: string): void {
    const position = spec.axes.findIndex((axis) => axis.name === axisName);
    const where = `models.${spec.name}.axes.${axisName} for input ${column.name}`;
    const data = column.data as unknown[];
    for (let cell = 0; cell < this.cells; cell++) {
      const value = coordinatesOf(spec.axes, cell)[position] as number | string;
      const converted = convert(value, column.type, where);
      for (let row = 0; row < this.rowsPerCall; row++) data[row * this.cells + cell] = converted;
    }
  }
}
