/** Bare inference of the grid: buffers filled once, the category's column anew for each call, nothing else. */
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { CELLS, HOURS, ROWS_PER_CALL } from './grid';
import { OUTPUT } from './synthetic-models';

const CALL = ROWS_PER_CALL * CELLS;

export class BareGrid {
  private readonly session: InferenceSession;
  private readonly day = Float32Array.from({ length: CALL }, (_, i) => Math.floor((i % CELLS) / HOURS));
  private readonly hour = Float32Array.from({ length: CALL }, (_, i) => i % HOURS);
  private readonly category = new Float32Array(CALL);

  private constructor(session: InferenceSession) {
    this.session = session;
  }

  /** With one thread, as the product runs its models. */
  static async open(model: string): Promise<BareGrid> {
    const options = { intraOpNumThreads: 1, interOpNumThreads: 1, executionMode: 'sequential' } as const;
    return new BareGrid(await InferenceSession.create(model, options));
  }

  /** Computes the rows of these categories, 16 to a call, and returns the number of values. */
  async compute(categories: readonly number[]): Promise<number> {
    let values = 0;
    for await (const called of this.calls(categories)) values += called.length;
    return values;
  }

  /** The rows of these categories, one behind the other. */
  async values(categories: readonly number[]): Promise<Float32Array> {
    const values = new Float32Array(categories.length * CELLS);
    let at = 0;
    for await (const called of this.calls(categories)) {
      values.set(called, at);
      at += called.length;
    }
    return values;
  }

  /** One prediction, one call. */
  async one(day: number, hour: number, category: number): Promise<number> {
    const column = (value: number): Tensor => new Tensor('float32', Float32Array.of(value), [1, 1]);
    const feeds = { day: column(day), hour: column(hour), category: column(category) };
    return (await this.run(feeds))[0] as number;
  }

  private async *calls(categories: readonly number[]): AsyncGenerator<Float32Array> {
    for (let from = 0; from < categories.length; from += ROWS_PER_CALL) {
      const rows = categories.slice(from, from + ROWS_PER_CALL);
      for (const [row, category] of rows.entries()) this.category.fill(category, row * CELLS, (row + 1) * CELLS);
      yield await this.run(this.feeds(rows.length * CELLS));
    }
  }

  private async run(feeds: Record<string, Tensor>): Promise<Float32Array> {
    const { [OUTPUT]: output } = await this.session.run(feeds);
    if (!(output?.data instanceof Float32Array)) throw new Error(`the model gave no ${OUTPUT}`);
    return output.data;
  }

  private feeds(cells: number): Record<string, Tensor> {
    const column = (data: Float32Array): Tensor => new Tensor('float32', data.subarray(0, cells), [cells, 1]);
    return { day: column(this.day), hour: column(this.hour), category: column(this.category) };
  }
}
