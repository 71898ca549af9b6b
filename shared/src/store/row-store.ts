import { slices } from '../cache/slices';
import { isPreparedLost, query, type Statements } from '../connections/postgres';

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

/** Rows to a statement: larger ones are hardly faster, and keep the last rows of a batch waiting. */
export const ROWS_PER_STATEMENT = 256;
/** Bytes to a statement, for models with large rows. */
const BYTES_PER_STATEMENT = 8 * 1024 * 1024;

/** How many rows of this size go into one statement. */
export function rowsPerStatement(rowBytes: number): number {
  return Math.max(1, Math.min(ROWS_PER_STATEMENT, Math.floor(BYTES_PER_STATEMENT / rowBytes)));
}

/**
 * The rows of a statement come in one piece, with their lengths: a parameter for each of them costs the client twice and the
 * server half as much again.
 */
const UPSERT = `INSERT INTO forewarm.row AS old (model, generation, category, bytes, computed_at, inputs)
  SELECT $1, $2, category, substring($5::bytea from (row_end - row_bytes + 1)::int for row_bytes),
         clock_timestamp() - age_ms * interval '1 millisecond',
         CASE WHEN input_bytes > 0 THEN substring($7::bytea from (input_end - input_bytes + 1)::int for input_bytes) END
    FROM (SELECT *, sum(row_bytes) OVER ends AS row_end, sum(input_bytes) OVER ends AS input_end
            FROM unnest($3::text[], $4::float8[], $6::int[], $8::int[])
                 WITH ORDINALITY AS v (category, age_ms, row_bytes, input_bytes, place)
          WINDOW ends AS (ORDER BY place)) AS rows
  ON CONFLICT (model, generation, category) DO UPDATE
    SET bytes = excluded.bytes, computed_at = excluded.computed_at, inputs = excluded.inputs
    WHERE old.computed_at <= excluded.computed_at OR old.computed_at > clock_timestamp()`;

const NONE = Buffer.alloc(0);

function packed(parts: readonly Buffer[]): { readonly all: Buffer; readonly lengths: readonly number[] } {
  return { all: Buffer.concat(parts), lengths: parts.map(({ length }) => length) };
}

/** The durable copy of rows in PostgreSQL. Bytes are exactly those of the cache. */
export class RowStore {
  private readonly pool: Statements;
  /** Until a pooler turns out not to keep them. */
  private preparing = true;

  constructor(pool: Statements) {
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
    for (const slice of slices(rows, rowsPerStatement(largest))) {
      const ages = slice.map(({ computedAtMs }) => Math.max(0, nowMs - computedAtMs));
      const bytes = packed(slice.map((row) => row.bytes));
      const inputs = packed(slice.map((row) => row.inputs ?? NONE));
      const parameters = [
        ...[model, generation, slice.map(({ category }) => category), ages],
        ...[bytes.all, bytes.lengths, inputs.all, inputs.lengths],
      ];
      await this.execute(UPSERT, parameters, `writing ${slice.length} rows of ${model}`);
    }
  }

  /** Prepared, which saves Postgres 40 % of the work. */
  private async execute(text: string, parameters: readonly unknown[], what: string): Promise<void> {
    if (!this.preparing) return void (await query(this.pool, text, parameters, what));
    try {
      await query(this.pool, text, parameters, what, 'forewarm-upsert');
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

  /** The categories that have a row. */
  async categories(model: string, generation: string): Promise<string[]> {
    const { rows } = await query<{ category: string }>(
      this.pool,
      'SELECT category FROM forewarm.row WHERE model = $1 AND generation = $2',
      [model, generation],
      `listing the rows of ${model}`,
    );
    return rows.map(({ category }) => category);
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
