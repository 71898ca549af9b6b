import { type RowFrame, viewRow } from '../cache/row';
import { readRows } from '../cache/row-reader';
import { slices } from '../cache/slices';
import type { ForewarmError } from '../errors';
import { asForewarmError } from '../errors';
import { rowFrame } from '../model/spec';
import type { GenerationFacts } from './generation-facts';
import { type BackupRow, LATEST_MS } from './row-lines';
import type { BackupStores } from './stores';

/** Values that are held at once, in whole rows: about 16 rows of the sample, 2 ms of work. */
const SLICE_VALUES = 2_700;

/** Rows of some categories, and those of which no store had one. */
export interface SourceSlice {
  readonly rows: readonly BackupRow[];
  readonly missing: readonly string[];
}

/** The rows of one generation: from the cache, and from Postgres where the cache lacks one or has a corrupt one. */
export class RowSource {
  private readonly stores: BackupStores;
  private readonly generation: string;
  private readonly frame: RowFrame;
  /** Why Postgres could not be asked, where it could not. */
  private failure: ForewarmError | undefined;

  constructor(stores: BackupStores, facts: Pick<GenerationFacts, 'generation' | 'axes' | 'outputs' | 'identity'>) {
    this.stores = stores;
    this.generation = facts.generation;
    this.frame = rowFrame(facts);
  }

  get postgresFailure(): ForewarmError | undefined {
    return this.failure;
  }

  /**
   * Every category that has a row or should have one, once each: those of the generation's index, and `wanted`.
   * @throws ForewarmError FW_REDIS_UNAVAILABLE
   */
  async categories(wanted: readonly string[]): Promise<string[]> {
    const categories = new Set<string>();
    for await (const part of this.stores.cache.walkIndex(this.generation)) {
      for (const category of part) categories.add(category);
    }
    for (const category of wanted) categories.add(category);
    return [...categories];
  }

  /**
   * The rows of these categories, slice by slice.
   * @throws ForewarmError FW_REDIS_UNAVAILABLE; that Postgres is away is no error, see `postgresFailure`
   */
  async *read(categories: readonly string[]): AsyncGenerator<SourceSlice> {
    const most = Math.max(1, Math.floor(SLICE_VALUES / (this.frame.cells * this.frame.outputs)));
    for (const slice of slices(categories, most)) {
      const found = await this.fromCache(slice);
      const lacking = slice.filter((category) => !found.has(category));
      for (const row of await this.fromPostgres(lacking)) found.set(row.category, row);
      yield { rows: [...found.values()], missing: lacking.filter((category) => !found.has(category)) };
    }
  }

  private async fromCache(categories: readonly string[]): Promise<Map<string, BackupRow>> {
    const { redis, cache } = this.stores;
    const { generation, frame } = this;
    const cached = await readRows(redis, cache.keys, categories, { generation, frame, inputs: true });
    const rows = new Map<string, BackupRow>();
    for (const [category, { whole, bytes, computedAtMs, inputs }] of cached) {
      if (whole && computedAtMs <= LATEST_MS) rows.set(category, { category, bytes, computedAtMs, inputs });
    }
    return rows;
  }

  private async fromPostgres(categories: readonly string[]): Promise<BackupRow[]> {
    if (categories.length === 0 || this.failure !== undefined) return [];
    try {
      const stored = await this.stores.rows.read(this.stores.cache.model, this.generation, categories);
      return stored.flatMap(({ category, bytes, inputs }) => {
        const row = this.whole(bytes);
        return row === undefined ? [] : [{ category, bytes, computedAtMs: row.computedAtMs, inputs }];
      });
    } catch (error) {
      this.failure = asForewarmError(error);
      return [];
    }
  }

  private whole(bytes: Buffer) {
    const row = viewRow(bytes);
    if (typeof row === 'string' || !row.isOf(this.frame.identity)) return undefined;
    const fits = row.cells === this.frame.cells && row.outputs === this.frame.outputs;
    return fits && row.computedAtMs <= LATEST_MS ? row : undefined;
  }
}
