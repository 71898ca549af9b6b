import { query, type Statements } from '../connections/postgres';
import type { Facts, LogLevel } from '../logger';
import { valuesList } from './multi-row';

/** A line that a process said of a cycle. */
export interface CycleLine {
  readonly cycle: string;
  readonly at: Date;
  readonly host: string;
  readonly pid: number;
  /** The order of lines of one process and moment. */
  readonly line: number;
  readonly level: LogLevel;
  readonly message: string;
  readonly facts: Facts;
}

export interface CycleLogBounds {
  /** Lines of this many last cycles are kept; those of cycles that failed or were degraded as long as their cycle. */
  readonly keepLogsOf: number;
  /** Lines whose cycle is not on record, by age. */
  readonly keepForMs: number;
}

/** Lines of one cycle that are read at most: of some processes, each of which writes a bounded number. */
const MOST_LINES = 10_000;

/** For so long lines wait for their cycle to be recorded: PostgreSQL may have been away. */
const ALONE_MS = 24 * 3_600_000;

/** What processes said of each cycle, in PostgreSQL. All methods throw FW_POSTGRES_UNAVAILABLE. */
export class CycleLogStore {
  private readonly pool: Statements;

  constructor(pool: Statements) {
    this.pool = pool;
  }

  /** Safe to repeat with the same lines. */
  async add(lines: readonly CycleLine[]): Promise<void> {
    if (lines.length === 0) return;
    const { text, parameters } = valuesList(
      lines.map(({ cycle, at, host, pid, line, level, message, facts }) => [
        ...[cycle, at, host, pid, line, level, message, JSON.stringify(facts)],
      ]),
      ['text', 'timestamptz', 'text', 'int', 'int', 'text', 'text', 'jsonb'],
    );
    await query(
      this.pool,
      `INSERT INTO forewarm.cycle_log (cycle, at, host, pid, line, level, message, facts) VALUES ${text}
       ON CONFLICT DO NOTHING`,
      parameters,
      'recording the log of cycles',
    );
  }

  /** Those of one cycle, in the order of their times. */
  async of(cycle: string): Promise<CycleLine[]> {
    const { rows } = await query<CycleLine>(
      this.pool,
      `SELECT cycle, at, host, pid, line, level, message, facts FROM forewarm.cycle_log WHERE cycle = $1
       ORDER BY at, host, pid, line LIMIT $2`,
      [cycle, MOST_LINES],
      `reading the log of cycle ${cycle}`,
    );
    return rows;
  }

  /** Deletes what the bounds no longer keep. Returns how many lines went. */
  async prune({ keepLogsOf, keepForMs }: CycleLogBounds, now: Date): Promise<number> {
    const what = 'pruning the log of cycles';
    const old = 'DELETE FROM forewarm.cycle_log WHERE at < $1';
    const byAge = await query(this.pool, old, [new Date(now.getTime() - keepForMs)], what);
    const byCycle = await query(
      this.pool,
      `DELETE FROM forewarm.cycle_log USING forewarm.cycle
       WHERE cycle.id = cycle_log.cycle AND cycle.state NOT IN ('failed', 'degraded', 'running')
         AND cycle.place <= (SELECT place FROM forewarm.cycle ORDER BY place DESC OFFSET $1 LIMIT 1)`,
      [keepLogsOf],
      what,
    );
    // Their cycle was never recorded, or is kept no longer.
    const alone = await query(
      this.pool,
      `DELETE FROM forewarm.cycle_log WHERE at < $1
         AND NOT EXISTS (SELECT FROM forewarm.cycle WHERE cycle.id = cycle_log.cycle)`,
      [new Date(now.getTime() - ALONE_MS)],
      what,
    );
    return byAge.rowCount + byCycle.rowCount + alone.rowCount;
  }
}
