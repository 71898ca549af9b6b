import type { Tensor } from 'onnxruntime-node';
import { type Axis, cellCount, coordinatesOf } from '../cache/grid';
import { axisColumns, categoryColumns, clockColumns, columnCount, featureColumns } from './columns';
import { allocate, convert, type Element, head, type InputType, isInputType, type TensorData } from './element-types';
import {
  type ColumnSource,
  columnsOf,
  type FeatureRows,
  featureNames,
  type ModelSpec,
  type RowInputs,
  type TensorDescription,
} from './spec';

/** Makes a tensor: the constructor of the runtime, passed in so that this file loads without it. */
export type MakeTensor = (type: InputType, data: TensorData, shape: readonly number[]) => Tensor;

/** Some columns of an input, from one source. */
interface Part {
  readonly source: ColumnSource;
  /** The first of its columns, and how many. */
  readonly first: number;
  readonly width: number;
  /** By category, where it has a vocabulary. */
  readonly places: ReadonlyMap<string, number> | undefined;
  /** Of its feature in the row of a category, where it takes one. */
  readonly feature: number;
}

interface Input {
  readonly name: string;
  readonly type: InputType;
  readonly rank: number;
  /** Columns, F; the data are rows of so many. */
  readonly width: number;
  readonly parts: readonly Part[];
  readonly byCategory: boolean;
  readonly data: TensorData;
}

/** The tensors of one call of the runtime. */
export interface Feed {
  readonly tensors: Readonly<Record<string, Tensor>>;
  /** Rows of input that count, and all of them with those that only fill up a batch of a fixed size. */
  readonly rows: number;
  readonly fed: number;
}

/**
 * Turns categories into the input tensors of one call: up to `rowsPerCall` rows of the grid, cell by cell in storage
 * order. What no category changes is the same for each row and is filled once; only columns of categories are filled
 * again per call. Buffers are reused: tensors of one `build` are valid until the next.
 */
export class FeedBuilder {
  readonly rowsPerCall: number;
  private readonly cells: number;
  private readonly axes: readonly Axis[];
  private readonly inputs: readonly Input[];
  private readonly makeTensor: MakeTensor;
  private readonly fixedBatch: number | undefined;
  /** Tensors of inputs that do not depend on the category, by number of rows in the call. */
  private readonly steady = new Map<number, Record<string, Tensor>>();
  private clockMs: number | undefined;

  /** @throws ForewarmError FW_MODEL_INPUT_VALUE when an axis value or a constant does not fit its input's type */
  constructor(
    spec: Pick<ModelSpec, 'name' | 'axes' | 'inputs'> & { readonly fixedBatch?: number | undefined },
    inputs: readonly TensorDescription[],
    rowsPerCall: number,
    makeTensor: MakeTensor,
  ) {
    this.rowsPerCall = rowsPerCall;
    this.cells = cellCount(spec.axes);
    this.axes = spec.axes;
    this.fixedBatch = spec.fixedBatch;
    this.makeTensor = makeTensor;
    this.inputs = inputs.map((input) => this.input(spec, input));
  }

  /**
   * Tensors for these categories, shaped [n·C] or [n·C, F] as each input asks: of one call, or of as many as a batch of a fixed size
   * needs, the last one filled up with its own last row.
   * @throws ForewarmError FW_MODEL_INPUT_VALUE when a category does not fit its input's type, or is not in its vocabulary;
   * FW_FEATURE_MISSING
   */
  build(categories: readonly string[], { clockMs, features }: RowInputs): Feed[] {
    this.setClock(clockMs);
    for (const input of this.inputs) if (input.byCategory) this.fillCategories(input, categories, features);
    const rows = categories.length * this.cells;
    if (this.fixedBatch === undefined) return [{ tensors: this.whole(categories.length), rows, fed: rows }];
    return this.groups(rows, this.fixedBatch);
  }

  private whole(categories: number): Record<string, Tensor> {
    const feeds = { ...this.steadyFeeds(categories) };
    for (const input of this.inputs) if (input.byCategory) feeds[input.name] = this.tensor(input, categories);
    return feeds;
  }

  private steadyFeeds(categories: number): Record<string, Tensor> {
    let feeds = this.steady.get(categories);
    if (feeds === undefined) {
      const inputs = this.inputs.filter(({ byCategory }) => !byCategory);
      feeds = Object.fromEntries(inputs.map((input) => [input.name, this.tensor(input, categories)]));
      this.steady.set(categories, feeds);
    }
    return feeds;
  }

  private tensor(input: Input, categories: number): Tensor {
    const rows = categories * this.cells;
    const data = categories === this.rowsPerCall ? input.data : head(input.data, rows * input.width);
    return this.makeTensor(input.type, data, input.rank === 1 ? [rows] : [rows, input.width]);
  }

  private groups(rows: number, size: number): Feed[] {
    return Array.from({ length: Math.ceil(rows / size) }, (_, group) => {
      const from = group * size;
      const count = Math.min(size, rows - from);
      const entries = this.inputs.map((input): [string, Tensor] => {
        const data = allocate(input.type, size * input.width) as Element[];
        for (let i = 0; i < size * input.width; i++) {
          const row = Math.min(Math.floor(i / input.width), count - 1);
          data[i] = input.data[(from + row) * input.width + (i % input.width)] as Element;
        }
        const dims = input.rank === 1 ? [size] : [size, input.width];
        return [input.name, this.makeTensor(input.type, data as unknown as TensorData, dims)];
      });
      return { tensors: Object.fromEntries(entries), rows: count, fed: size };
    });
  }

  private input(spec: Pick<ModelSpec, 'name' | 'axes' | 'inputs'>, described: TensorDescription): Input {
    const { name, type, shape } = described;
    const source = spec.inputs[name];
    if (source === undefined || !isInputType(type)) throw new TypeError(`input ${name} was not resolved`);
    const parts: Part[] = [];
    const features = featureNames(spec.inputs);
    let width = 0;
    for (const column of columnsOf(source)) {
      const feature = column.from === 'feature' ? features.indexOf(column.feature) : -1;
      const columns = columnCount(column, spec.axes);
      const part = { source: column, first: width, width: columns, places: placesOf(column), feature };
      parts.push(part);
      width += part.width;
    }
    const data = allocate(type, this.rowsPerCall * this.cells * width);
    const byCategory = parts.some(({ source: { from } }) => from === 'category' || from === 'feature');
    const input = { name, type, rank: shape.length === 1 ? 1 : 2, width, parts, byCategory, data };
    for (const part of parts) {
      if (part.source.from === 'axis') this.fillAxis(spec.name, input, part, part.source);
      if (part.source.from === 'constant') {
        const where = `models.${spec.name}.inputs.${name}`;
        this.fillRows(input, part, 0, this.rowsPerCall, [convert(part.source.value, type, where)]);
      }
    }
    return input;
  }

  private fillAxis(model: string, input: Input, part: Part, source: Extract<ColumnSource, { from: 'axis' }>): void {
    const position = this.axes.findIndex((axis) => axis.name === source.axis);
    const where = `models.${model}.axes.${source.axis} for input ${input.name}`;
    const columns = axisColumns(source, this.axes, input.type, where);
    const places = new Map(this.axes[position]?.values.map((value, place) => [value, place]));
    const data = input.data as unknown as Element[];
    for (let cell = 0; cell < this.cells; cell++) {
      const place = places.get(coordinatesOf(this.axes, cell)[position] as number | string) ?? 0;
      const values = columns[place] ?? [];
      for (let row = 0; row < this.rowsPerCall; row++) {
        const at = (row * this.cells + cell) * input.width + part.first;
        for (let i = 0; i < values.length; i++) data[at + i] = values[i] as Element;
      }
    }
  }

  /** The cycle's clock is the same for all its rows. */
  private setClock(clockMs: number): void {
    if (this.clockMs === clockMs) return;
    this.clockMs = clockMs;
    for (const input of this.inputs) {
      for (const part of input.parts) {
        if (part.source.from !== 'clock') continue;
        const columns = clockColumns(part.source, clockMs, input.type, `the clock for input ${input.name}`);
        this.fillRows(input, part, 0, this.rowsPerCall, columns);
        // Texts are copied when a tensor is made of them.
        this.steady.clear();
      }
    }
  }

  private fillCategories(input: Input, categories: readonly string[], features: FeatureRows | undefined): void {
    const where = `input ${input.name}`;
    for (const part of input.parts) {
      const { source, places, feature } = part;
      if (source.from !== 'category' && source.from !== 'feature') continue;
      categories.forEach((category, row) => {
        const columns =
          source.from === 'category'
            ? categoryColumns(category, places, source, input.type, where)
            : featureColumns(category, features?.get(category), feature, source, input.type, where);
        this.fillRows(input, part, row, row + 1, columns);
      });
    }
  }

  /** The same columns for all cells of some rows of the grid. */
  private fillRows(input: Input, part: Part, from: number, to: number, values: readonly Element[]): void {
    const data = input.data as unknown as Element[];
    const [start, end] = [from * this.cells, to * this.cells];
    if (input.width === 1) {
      data.fill(values[0] as Element, start, end);
      return;
    }
    for (let row = start; row < end; row++) {
      const at = row * input.width + part.first;
      for (let i = 0; i < values.length; i++) data[at + i] = values[i] as Element;
    }
  }
}

function placesOf(source: ColumnSource): ReadonlyMap<string, number> | undefined {
  if (source.from !== 'category' || !('as' in source)) return undefined;
  return new Map(source.vocabulary.map((category, place) => [category, place]));
}
