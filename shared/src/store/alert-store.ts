import { query, type Statements } from '../connections/postgres';

/** What can be wrong. One alert fires for each condition and model at a time. */
export interface Alert {
  readonly condition: string;
  /** Empty when it is of no model. */
  readonly model: string;
  readonly message: string;
  readonly facts: Readonly<Record<string, unknown>>;
}

export interface FiringAlert extends Alert {
  readonly since: Date;
  readonly lastSeen: Date;
  /** How often it was seen. */
  readonly times: number;
}

/** Alerts in PostgreSQL: what is wrong, since when, and what was. All methods throw FW_POSTGRES_UNAVAILABLE. */
export class AlertStore {
  private readonly pool: Statements;

  constructor(pool: Statements) {
    this.pool = pool;
  }

  /** Records that a condition holds: a new alert, or the one that fires already, seen again. */
  async fire({ condition, model, message, facts }: Alert, host: string, at: Date): Promise<void> {
    await query(
      this.pool,
      `INSERT INTO forewarm.alert AS old (condition, model, state, message, facts, host, since, last_seen)
       VALUES ($1, $2, 'firing', $3, $4, $5, $6, $6)
       ON CONFLICT (condition, model) WHERE state = 'firing' DO UPDATE SET
         message = excluded.message, facts = excluded.facts, last_seen = excluded.last_seen, times = old.times + 1`,
      [condition, model, message, JSON.stringify(facts), host, at],
      `recording the alert ${condition} of ${model}`,
    );
  }

  /** Records that conditions hold no longer. */
  async resolve(conditions: readonly string[], model: string, at: Date): Promise<void> {
    await query(
      this.pool,
      `UPDATE forewarm.alert SET state = 'resolved', resolved_at = $3
       WHERE state = 'firing' AND model = $2 AND condition = ANY ($1::text[])`,
      [conditions, model, at],
      `resolving alerts of ${model}`,
    );
  }

  /** Those that fire, the longest first. */
  async firing(): Promise<FiringAlert[]> {
    const { rows } = await query<FiringAlert>(
      this.pool,
      `SELECT condition, model, message, facts, since, last_seen AS "lastSeen", times FROM forewarm.alert
       WHERE state = 'firing' ORDER BY since`,
      [],
      'reading the alerts',
    );
    return rows;
  }
}
