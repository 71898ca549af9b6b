import type { Pool } from 'pg';
import { slices } from '../cache/slices';
import { isPreparedLost, query } from '../connections/postgres';
import { valuesList } from './multi-row';

export interface StoredRow {
  readonly category: string;
  readonly bytes: Buffer;
  /** Hash of the inputs that it was computed from, where they are tracked. */
  readonly inputs: Buffer | undefined;
}

export interface ComputedRow extends StoredRow {
  /** Milliseconds since 1970 UTC, by the clock of whoever computed it. */
  readonly computedAtMs: number;
}

/** Rows to a statement: PostgreSQL takes 65,535 parameters, and small statements are as fast. */
export const ROWS_PER_STATEMENT = 128;
/** Bytes to a statement, for models with large rows. */
const BYTES_PER_STATEMENT = 8 * 1024 * 1024;

/** How many rows of this size go into one statement. */
export function rowsPerStatement(rowBytes: number): number {
  return Math.max(1, Math.min(ROWS_PER_STATEMENT, Math.floor(BYTES_PER_STATEMENT / rowBytes)));
}

/** The durable copy of rows in PostgreSQL. Bytes are exactly those of the cache. */
export class RowStore {
  private readonly pool: Pool;
  /** Until a pooler turns out not to keep them. */
  private preparing = true;

  constructor(pool: Pool) {
    this.pool = pool;
  }

  /**
   * Inserts or replaces rows of one generation; never an older row over a newer one. Which is older is told by the clock of
   * PostgreSQL alone: a row comes with its age, which is right however wrong the writer's clock is. A row that was computed
   * in the future is there since that clock was set back, and gives way.
   * @param nowMs by the same clock as the rows' `computedAtMs`
   * @throws ForewarmError FW_POSTGRES_UNAVAILABLE; statements before the failing one are kept
   */
  async upsert(model: string, generation: string, rows: readonly ComputedRow[], nowMs: number): Promise<void> {
    const largest = rows.reduce((bytes, row) => Math.max(bytes, row.bytes.length), 1);
    const perStatement = rowsPerStatement(largest);
    for (const slice of slices(rows, perStatement)) {
      const values = valuesList(
        slice.map((row) => [row.category, row.bytes, Math.max(0, nowMs - row.computedAtMs), row.inputs ?? null]),
        ['text', 'bytea', 'float8', 'bytea'],
      );
      const place = values.parameters.length;
      const text = `INSERT INTO forewarm.row AS old (model, generation, category, bytes, computed_at, inputs)
         SELECT $${place + 1}, $${place + 2}, category, bytes, clock_timestamp() - age_ms * interval '1 millisecond', inputs
           FROM (VALUES ${values.text}) AS v (category, bytes, age_ms, inputs)
         ON CONFLICT (model, generation, category) DO UPDATE
           SET bytes = excluded.bytes, computed_at = excluded.computed_at, inputs = excluded.inputs
           WHERE old.computed_at <= excluded.computed_at OR old.computed_at > clock_timestamp()`;
      const parameters = [...values.parameters, model, generation];
      await this.execute(text, parameters, `writing ${slice.length} rows of ${model}`, slice.length === perStatement);
    }
  }

  /** Statements of the usual size are prepared, which saves Postgres 40 % of the work. */
  private async execute(text: string, parameters: readonly unknown[], what: string, usual: boolean): Promise<void> {
    if (!usual || !this.preparing) return void (await query(this.pool, text, parameters, what));
    try {
      await query(this.pool, text, parameters, what, `forewarm-upsert-${parameters.length}`);
    } catch (error) {
      if (!isPreparedLost(error)) throw error;
      this.preparing = false;
      await query(this.pool, text, parameters, what);
    }
  }

  /** Those of `categories` that have a row, in no particular order. */
  async read(model: string, generation: string, categories: readonly string[]): Promise<StoredRow[]> {
    const { rows } = await query<{ category: string; bytes: Buffer; inputs: Buffer | null }>(
      this.pool,
      `SELECT category, bytes, inputs FROM forewarm.row
       WHERE model = $1 AND generation = $2 AND category = ANY ($3::text[])`,
      [model, generation, categories],
      `reading ${categories.length} rows of ${model}`,
    );
    return rows.map(({ category, bytes, inputs }) => ({ category, bytes, inputs: inputs ?? undefined }));
  }

  /** Deletes the rows of all other categories. */
  async keepOnly(model: string, generation: string, categories: readonly string[]): Promise<void> {
    await query(
      this.pool,
      `DELETE FROM forewarm.row AS kept WHERE model = $1 AND generation = $2
         AND NOT EXISTS (SELECT FROM unnest($3::text[]) AS wanted (category) WHERE wanted.category = kept.category)`,
      [model, generation, categories],
      `deleting rows of ${model}`,
    );
  }

  async removeGeneration(model: string, generation: string): Promise<void> {
    await query(
      this.pool,
      'DELETE FROM forewarm.row WHERE model = $1 AND generation = $2',
      [model, generation],
      `deleting generation ${generation} of ${model}`,
    );
  }
}
