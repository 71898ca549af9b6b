import type { Pool } from 'pg';
import type { CycleState } from '../cache/pointer';
import { slices } from '../cache/slices';
import { inTransaction, postgresError, query } from '../connections/postgres';
import type { BatchTimings, CategoryFailure } from '../inference/protocol';
import { valuesList } from './multi-row';

/** What started a cycle. */
export const TRIGGERS = ['schedule', 'startup', 'heal', 'command', 'dashboard', 'retry', 'api'] as const;
export type Trigger = (typeof TRIGGERS)[number];

/** Rows by what became of them in a cycle or a batch. */
export interface RowCounts {
  readonly computed: number;
  readonly restored: number;
  readonly verified: number;
  readonly failed: number;
  /** Rows that are in Postgres as they are in the cache. */
  readonly durable: number;
}

export interface CycleRecord extends RowCounts {
  readonly id: string;
  readonly model: string;
  /** `null` when the model could not be loaded. */
  readonly generation: string | null;
  readonly trigger: Trigger;
  readonly state: CycleState;
  readonly host: string;
  readonly startedAt: Date;
  readonly finishedAt: Date | null;
  readonly durationMs: number | null;
  /** Rows that the cycle had to see to. */
  readonly expected: number;
  readonly batches: number;
  /** Why it was skipped, cancelled, degraded or failed. */
  readonly reason: string | null;
}

export type BatchState = 'complete' | 'degraded' | 'failed' | 'cancelled';

export interface BatchRecord extends RowCounts {
  /** 0-based. */
  readonly number: number;
  readonly state: BatchState;
  readonly categories: number;
  readonly timings: BatchTimings | null;
  /** The first of its categories that failed, with causes. */
  readonly failures: readonly CategoryFailure[];
  /** All of them. */
  readonly failedCategories: readonly string[];
  readonly error: string | null;
}

export interface HistoryBounds {
  readonly keepForMs: number;
  readonly keepCycles: number;
  /** Batches are kept of this many last cycles; those that did not complete stay as long as their cycle. */
  readonly keepBatchesOf: number;
}

/** PostgreSQL takes 65,535 parameters to a statement. */
const BATCHES_PER_STATEMENT = 1_000;

const CYCLE_COLUMNS = `id, model, generation, trigger, state, host, started_at, finished_at, duration_ms, expected, batches,
  computed, restored, verified, failed, durable, reason`;

const BATCH_COLUMNS = `number, state, categories, computed, restored, verified, failed, durable, timings, failures,
  failed_categories, error`;

/** Which cycles a listing shows. */
export interface CycleFilter {
  /** Absent means all models. */
  readonly model?: string | undefined;
  /** Only those that failed, wholly or in part. */
  readonly failed?: boolean;
}

/** Of the last cycles of a model, what tells whether they go well. */
export interface RecentCycle extends Pick<CycleRecord, 'id' | 'model' | 'state' | 'reason' | 'durationMs'> {
  /** Since it began, by the clock of the database. */
  readonly ageMs: number;
}

/** The run history: cycles by batches. */
export class HistoryStore {
  private readonly pool: Pool;

  constructor(pool: Pool) {
    this.pool = pool;
  }

  /**
   * Inserts a cycle, or replaces what is known of it; its batches are written with it, all or nothing. News may come late:
   * that it runs does not replace its end, nor does it that it could not be started, where its jobs ran all the same.
   */
  async record(cycle: CycleRecord, batches: readonly BatchRecord[] = []): Promise<void> {
    try {
      await inTransaction(this.pool, async (client) => {
        await client.query(
          `INSERT INTO forewarm.cycle AS old (${CYCLE_COLUMNS})
           VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)
           ON CONFLICT (id) DO UPDATE SET state = excluded.state, finished_at = excluded.finished_at,
             generation = coalesce(excluded.generation, old.generation), duration_ms = excluded.duration_ms,
             expected = greatest(excluded.expected, old.expected), batches = greatest(excluded.batches, old.batches),
             computed = excluded.computed, restored = excluded.restored, verified = excluded.verified,
             failed = excluded.failed, durable = excluded.durable, reason = excluded.reason
           WHERE excluded.state <> 'running' AND (old.state = 'running' OR excluded.batches > 0)`,
          cycleParameters(cycle),
        );
        for (const slice of slices(batches, BATCHES_PER_STATEMENT)) {
          const values = valuesList(
            slice.map((batch) => batchParameters(cycle.id, batch)),
            ['text', 'int', 'text', 'int', 'int', 'int', 'int', 'int', 'int', 'jsonb', 'jsonb', 'jsonb', 'text'],
          );
          await client.query(
            `INSERT INTO forewarm.batch (cycle, ${BATCH_COLUMNS}) VALUES ${values.text} ON CONFLICT (cycle, number) DO NOTHING`,
            values.parameters,
          );
        }
      });
    } catch (error) {
      // Without its id, which the line that tells of it has: the same trouble is told once for many cycles.
      throw postgresError(error, 'recording a cycle');
    }
  }

  /** The last cycles that fit, newest first: in the order in which they were begun, whatever clocks said then. */
  async lastCycles(filter: CycleFilter, limit: number): Promise<CycleRecord[]> {
    const { rows } = await query<CycleRow>(
      this.pool,
      `SELECT ${CYCLE_COLUMNS} FROM forewarm.cycle
       WHERE ($1::text IS NULL OR model = $1) AND (NOT $2 OR state IN ('failed', 'degraded'))
       ORDER BY place DESC LIMIT $3`,
      [filter.model ?? null, filter.failed ?? false, limit],
      'reading the run history',
    );
    return rows.map(cycleFromRow);
  }

  /** The last cycles of each of these models, newest first, without those that did no work by intent: skipped or cancelled. */
  async recent(models: readonly string[], perModel: number): Promise<RecentCycle[]> {
    const { rows } = await query<RecentCycle>(
      this.pool,
      `SELECT cycle.id, cycle.model, cycle.state, cycle.reason, cycle.duration_ms AS "durationMs",
         extract(epoch FROM now() - cycle.started_at)::double precision * 1000 AS "ageMs"
       FROM unnest($1::text[]) AS wanted (model) CROSS JOIN LATERAL (
         SELECT * FROM forewarm.cycle WHERE cycle.model = wanted.model AND state NOT IN ('skipped', 'cancelled')
         ORDER BY place DESC LIMIT $2) AS cycle`,
      [models, perModel],
      'reading the last cycles',
    );
    return rows;
  }

  /** One cycle with what is kept of its batches, by their numbers; `undefined` when the history does not have it. */
  async cycle(id: string): Promise<{ cycle: CycleRecord; batches: BatchRecord[] } | undefined> {
    const what = `reading cycle ${id}`;
    const cycles = await query<CycleRow>(
      this.pool,
      `SELECT ${CYCLE_COLUMNS} FROM forewarm.cycle WHERE id = $1`,
      [id],
      what,
    );
    const [found] = cycles.rows;
    if (found === undefined) return undefined;
    const batches = await query<BatchRow>(
      this.pool,
      `SELECT ${BATCH_COLUMNS} FROM forewarm.batch WHERE cycle = $1 ORDER BY number`,
      [id],
      what,
    );
    return { cycle: cycleFromRow(found), batches: batches.rows.map(batchFromRow) };
  }

  /** Ids of the cycles that begin with this text, oldest first. */
  async idsBeginning(text: string, limit: number): Promise<string[]> {
    const { rows } = await query<{ id: string }>(
      this.pool,
      'SELECT id FROM forewarm.cycle WHERE starts_with(id, $1) ORDER BY id LIMIT $2',
      [text, limit],
      `looking for cycles ${text}`,
    );
    return rows.map(({ id }) => id);
  }

  /** Marks cycles that are recorded as running, but are not among `running`, as failed: their daemon or queue is gone. */
  async closeLost(model: string, running: readonly string[], reason: string): Promise<number> {
    const { rowCount } = await query(
      this.pool,
      `UPDATE forewarm.cycle SET state = 'failed', reason = $3, finished_at = now()
       WHERE model = $1 AND state = 'running' AND id <> ALL ($2::text[])`,
      [model, running, reason],
      `closing lost cycles of ${model}`,
    );
    return rowCount;
  }

  /** Deletes what the bounds no longer keep. Returns how many cycles and batches went. */
  async prune(bounds: HistoryBounds, now: Date): Promise<{ cycles: number; batches: number }> {
    const oldest = new Date(now.getTime() - bounds.keepForMs);
    const cycles = await query(
      this.pool,
      `DELETE FROM forewarm.cycle WHERE started_at < $1
         OR id IN (SELECT id FROM forewarm.cycle ORDER BY place DESC OFFSET $2)`,
      [oldest, bounds.keepCycles],
      'pruning cycles',
    );
    const batches = await query(
      this.pool,
      `DELETE FROM forewarm.batch b USING forewarm.cycle c
       WHERE c.id = b.cycle AND b.state = 'complete'
         AND c.id NOT IN (SELECT id FROM forewarm.cycle ORDER BY place DESC LIMIT $1)`,
      [bounds.keepBatchesOf],
      'pruning batches',
    );
    return { cycles: cycles.rowCount, batches: batches.rowCount };
  }
}

interface CycleRow extends RowCounts {
  id: string;
  model: string;
  generation: string | null;
  trigger: Trigger;
  state: CycleState;
  host: string;
  started_at: Date;
  finished_at: Date | null;
  duration_ms: number | null;
  expected: number;
  batches: number;
  reason: string | null;
}

function cycleFromRow(row: CycleRow): CycleRecord {
  const { started_at, finished_at, duration_ms, ...same } = row;
  return { ...same, startedAt: started_at, finishedAt: finished_at, durationMs: duration_ms };
}

interface BatchRow extends Omit<BatchRecord, 'failures' | 'failedCategories'> {
  failures: BatchRecord['failures'] | null;
  failed_categories: BatchRecord['failedCategories'] | null;
}

function batchFromRow({ failures, failed_categories, ...same }: BatchRow): BatchRecord {
  return { ...same, failures: failures ?? [], failedCategories: failed_categories ?? [] };
}

function cycleParameters(cycle: CycleRecord): unknown[] {
  const { id, model, generation, trigger, state, host, startedAt, finishedAt, durationMs, expected, batches } = cycle;
  const { computed, restored, verified, failed, durable, reason } = cycle;
  return [
    ...[id, model, generation, trigger, state, host, startedAt, finishedAt, durationMs, expected, batches],
    ...[computed, restored, verified, failed, durable, reason],
  ];
}

function batchParameters(cycle: string, batch: BatchRecord): unknown[] {
  const { number, state, categories, computed, restored, verified, failed, durable, timings } = batch;
  const counts = [categories, computed, restored, verified, failed, durable];
  const documents = [timings, batch.failures, batch.failedCategories].map((document) => JSON.stringify(document));
  return [cycle, number, state, ...counts, ...documents, batch.error];
}
