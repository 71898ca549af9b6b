import type { AlertKey } from '../alerts/notice';
import type { AlertEvent, AlertState } from '../alerts/state-machine';
import { query, type Statements } from '../connections/postgres';

/** What can be wrong. One alert is open for each condition, model and place at a time. */
export interface Alert {
  readonly condition: string;
  /** Empty when it is of no model. */
  readonly model: string;
  readonly message: string;
  readonly facts: Readonly<Record<string, unknown>>;
}

export interface FiringAlert extends Alert {
  readonly place: string;
  readonly since: Date;
  readonly lastSeen: Date;
  /** How often a job has said it. */
  readonly times: number;
}

export interface PastAlert extends FiringAlert {
  readonly id: number;
  readonly state: 'firing' | 'resolved';
  /** `null` where nobody was told: silenced, or explained by another. */
  readonly toldAt: Date | null;
  readonly resolvedAt: Date | null;
}

/** An alert that is open, or of whose end somebody is still to be told. */
export interface OpenAlert extends AlertKey {
  readonly id: number;
  readonly version: number;
  readonly message: string;
  readonly facts: Readonly<Record<string, unknown>>;
  /** `undefined`: it is resolved, and who was told of it is to be told of its end. */
  readonly state: AlertState | undefined;
  readonly sinceMs: number;
}

export interface Silence {
  readonly id: number;
  /** `null` is each. */
  readonly condition: string | null;
  readonly model: string | null;
  readonly reason: string;
  readonly host: string;
  readonly createdAt: Date;
  readonly until: Date;
}

/** All that a look at the alerts begins with, as of one moment of the database's clock, which all daemons have in common. */
export interface AlertView {
  readonly nowMs: number;
  readonly alerts: readonly OpenAlert[];
  readonly silences: readonly Silence[];
}

/** What is to be told of a move, to each sink. */
export interface Telling {
  readonly event: AlertEvent;
  readonly notice: object;
  readonly sinks: readonly string[];
}

/** What a look has found of an alert. */
export interface Saying extends AlertKey {
  readonly message: string;
  readonly facts: Readonly<Record<string, unknown>>;
}

interface OpenRow extends AlertKey {
  id: string;
  version: number;
  message: string;
  facts: Record<string, unknown>;
  phase: 'pending' | 'firing' | 'resolved';
  since: number;
  last_seen: number;
  told: number | null;
}

/** After which a message is not sent any more. */
const GIVEN_UP_DAYS = 7;

/** Milliseconds since 1970 of a column. */
const ms = (column: string): string => `extract(epoch FROM ${column})::double precision * 1000`;

/** Alerts in PostgreSQL: what is wrong, since when, who was told, and what was. All methods throw FW_POSTGRES_UNAVAILABLE. */
export class AlertStore {
  private readonly pool: Statements;

  constructor(pool: Statements) {
    this.pool = pool;
  }

  /** Records what a job has met: a new alert that fires, or the one that does already, seen again. */
  async fire({ condition, model, message, facts }: Alert, host: string, at: Date): Promise<void> {
    await query(
      this.pool,
      `INSERT INTO forewarm.alert AS old (condition, model, state, message, facts, host, since, last_seen)
       VALUES ($1, $2, 'firing', $3, $4, $5, $6, $6)
       ON CONFLICT (condition, model, place) WHERE state <> 'resolved' DO UPDATE SET
         state = 'firing', message = excluded.message, facts = excluded.facts, last_seen = excluded.last_seen,
         times = old.times + 1, version = old.version + 1`,
      [condition, model, message, JSON.stringify(facts), host, at],
      `recording the alert ${condition} of ${model}`,
    );
  }

  /**
   * Records that what jobs have met holds no longer.
   * @param generation where it is only that of one generation: the alert may be of another by now
   */
  async resolve(conditions: readonly string[], model: string, at: Date, generation?: string): Promise<void> {
    await query(
      this.pool,
      `UPDATE forewarm.alert SET state = 'resolved', resolved_at = $3, version = version + 1
       WHERE state <> 'resolved' AND model = $2 AND condition = ANY ($1::text[])
         AND ($4::text IS NULL OR facts ->> 'generation' = $4)`,
      [conditions, model, at, generation ?? null],
      `resolving alerts of ${model}`,
    );
  }

  /** Those that fire, the longest first. */
  async firing(): Promise<FiringAlert[]> {
    const { rows } = await query<FiringAlert>(
      this.pool,
      `SELECT condition, model, place, message, facts, since, last_seen AS "lastSeen", times FROM forewarm.alert
       WHERE state = 'firing' ORDER BY since`,
      [],
      'reading the alerts',
    );
    return rows;
  }

  /** Those that fired, the newest first, whether they still do or not. */
  async past(model: string | undefined, limit: number): Promise<PastAlert[]> {
    const { rows } = await query<Omit<PastAlert, 'id'> & { id: string }>(
      this.pool,
      `SELECT id::text, condition, model, place, state, message, facts, since, last_seen AS "lastSeen", times,
         told_at AS "toldAt", resolved_at AS "resolvedAt"
       FROM forewarm.alert WHERE state <> 'pending' AND ($1::text IS NULL OR model = $1) ORDER BY since DESC LIMIT $2`,
      [model ?? null, limit],
      'reading the history of alerts',
    );
    return rows.map(({ id, ...alert }) => ({ ...alert, id: Number(id) }));
  }

  async view(): Promise<AlertView> {
    const what = 'reading the alerts';
    const [open, silences] = await Promise.all([
      query<{ now: number; alerts: OpenRow[] | null }>(
        this.pool,
        `SELECT ${ms('now()')} AS now, (SELECT json_agg(json_build_object(
             'id', id::text, 'version', version, 'condition', condition, 'model', model, 'place', place, 'message', message,
             'facts', facts, 'phase', state, 'since', ${ms('since')}, 'last_seen', ${ms('last_seen')}, 'told', ${ms('told_at')})
             ORDER BY id)
           FROM forewarm.alert
           WHERE state <> 'resolved' OR (state = 'resolved' AND told_at IS NOT NULL AND NOT over_told)) AS alerts`,
        [],
        what,
      ),
      this.silences(),
    ]);
    const [row] = open.rows;
    // Whole milliseconds, which is what a date holds.
    return { nowMs: Math.floor(row?.now ?? Date.now()), alerts: (row?.alerts ?? []).map(openAlert), silences };
  }

  /** Opens an alert, unless somebody else just did. */
  async begin(saying: Saying, state: AlertState, host: string, telling: Telling | undefined): Promise<void> {
    const { condition, model, place, message, facts } = saying;
    await query(
      this.pool,
      `WITH begun AS (
         INSERT INTO forewarm.alert (condition, model, place, state, message, facts, host, since, last_seen, told_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) ON CONFLICT DO NOTHING RETURNING id)
       INSERT INTO forewarm.alert_message (alert, event, sink, notice)
       SELECT begun.id, $11, sink, $12::jsonb FROM begun, unnest($13::text[]) AS sink`,
      [
        ...[condition, model, place, state.phase, message, JSON.stringify(facts), host],
        ...[date(state.sinceMs), date(state.lastSeenMs), date(state.toldMs)],
        ...tellingParameters(telling),
      ],
      `recording the alert ${condition}`,
    );
  }

  /** Moves an alert on, unless somebody else has since it was read. What is told of it goes with the move, all or nothing. */
  async move(
    { id, version }: OpenAlert,
    { message, facts }: Pick<Saying, 'message' | 'facts'>,
    { phase, sinceMs, lastSeenMs, toldMs }: AlertState,
    telling: Telling | undefined,
  ): Promise<void> {
    await query(
      this.pool,
      `WITH moved AS (
         UPDATE forewarm.alert SET state = $3, message = $4, facts = $5, since = $6, last_seen = $7, told_at = $8,
           version = version + 1
         WHERE id = $1 AND version = $2 AND state <> 'resolved' RETURNING id)
       INSERT INTO forewarm.alert_message (alert, event, sink, notice)
       SELECT moved.id, $9, sink, $10::jsonb FROM moved, unnest($11::text[]) AS sink`,
      [
        ...[id, version, phase, message, JSON.stringify(facts), date(sinceMs), date(lastSeenMs), date(toldMs)],
        ...tellingParameters(telling),
      ],
      'moving an alert',
    );
  }

  /** Ends an alert, unless somebody else has moved it: one that was pending is forgotten, one that fired is history. */
  async end({ id, version, state }: OpenAlert, atMs: number, telling: Telling | undefined): Promise<void> {
    if (state?.phase === 'pending') {
      const statement = 'DELETE FROM forewarm.alert WHERE id = $1 AND version = $2';
      await query(this.pool, statement, [id, version], 'forgetting an alert');
      return;
    }
    await query(
      this.pool,
      `WITH ended AS (
         UPDATE forewarm.alert SET state = 'resolved', resolved_at = coalesce(resolved_at, $3), over_told = true,
           version = version + 1
         WHERE id = $1 AND version = $2 RETURNING id)
       INSERT INTO forewarm.alert_message (alert, event, sink, notice)
       SELECT ended.id, $4, sink, $5::jsonb FROM ended, unnest($6::text[]) AS sink`,
      [id, version, date(atMs), ...tellingParameters(telling)],
      'ending an alert',
    );
  }

  /**
   * Records an alert that fired while the database was away: what was told of it is told. Not where another daemon has
   * recorded it meanwhile, and maybe seen its end.
   * @param endMs when it was over; `undefined` while it is not
   */
  async recover(saying: Saying, state: AlertState, host: string, endMs: number | undefined): Promise<void> {
    const { condition, model, place, message, facts } = saying;
    const { sinceMs, lastSeenMs, toldMs } = state;
    const pending = `DELETE FROM forewarm.alert WHERE condition = $1 AND model = $2 AND place = $3 AND state = 'pending'`;
    await query(this.pool, pending, [condition, model, place], `recording the alert ${condition}`);
    await query(
      this.pool,
      `INSERT INTO forewarm.alert (condition, model, place, state, message, facts, host, since, last_seen, told_at, resolved_at, over_told)
       SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $11::timestamptz IS NOT NULL
       WHERE NOT EXISTS (SELECT FROM forewarm.alert
         WHERE condition = $1 AND model = $2 AND place = $3 AND (state <> 'resolved' OR resolved_at >= $8))
       ON CONFLICT DO NOTHING`,
      [
        ...[
          condition,
          model,
          place,
          endMs === undefined ? state.phase : 'resolved',
          message,
          JSON.stringify(facts),
          host,
        ],
        ...[date(sinceMs), date(lastSeenMs), date(toldMs), endMs === undefined ? null : date(endMs)],
      ],
      `recording the alert ${condition}`,
    );
  }

  /** Silences that have not ended, the one that ends first first. */
  async silences(): Promise<Silence[]> {
    const { rows } = await query<Omit<Silence, 'id'> & { id: string }>(
      this.pool,
      `SELECT id::text, condition, model, reason, host, created_at AS "createdAt", until FROM forewarm.alert_silence
       WHERE until > now() ORDER BY until`,
      [],
      'reading the silences',
    );
    return rows.map(({ id, ...silence }) => ({ ...silence, id: Number(id) }));
  }

  /** @param silence `null` for each condition or each model */
  async silence(silence: Pick<Silence, 'condition' | 'model' | 'reason' | 'host'>, forMs: number): Promise<Silence> {
    const { condition, model, reason, host } = silence;
    const { rows } = await query<{ id: string; createdAt: Date; until: Date }>(
      this.pool,
      `INSERT INTO forewarm.alert_silence (condition, model, reason, host, until)
       VALUES ($1, $2, $3, $4, now() + $5 * interval '1 millisecond') RETURNING id::text, created_at AS "createdAt", until`,
      [condition, model, reason, host, forMs],
      'recording a silence',
    );
    const [row] = rows as [{ id: string; createdAt: Date; until: Date }];
    return { condition, model, reason, host, ...row, id: Number(row.id) };
  }

  /** Ends a silence now; false when there is none of this number that has not ended. */
  async unsilence(id: number): Promise<boolean> {
    const statement = 'UPDATE forewarm.alert_silence SET until = now() WHERE id = $1 AND until > now()';
    const { rowCount } = await query(this.pool, statement, [id], `ending silence ${id}`);
    return rowCount > 0;
  }

  /**
   * Deletes alerts that ended, and silences that did, before `oldest`, and gives up messages that nobody took for days: their sink
   * is in nobody's configuration any more. Returns how many alerts went.
   */
  async prune(oldest: Date): Promise<number> {
    const what = 'pruning alerts';
    const given = `UPDATE forewarm.alert_message SET state = 'overtaken' WHERE state = 'waiting' AND created_at < now() - interval '${GIVEN_UP_DAYS} days'`;
    await query(this.pool, given, [], what);
    const over = `DELETE FROM forewarm.alert WHERE state = 'resolved' AND resolved_at < $1`;
    const { rowCount } = await query(this.pool, over, [oldest], what);
    await query(this.pool, 'DELETE FROM forewarm.alert_silence WHERE until < $1', [oldest], what);
    return rowCount;
  }
}

function openAlert({ id, phase, since, last_seen, told, ...row }: OpenRow): OpenAlert {
  const state = phase === 'resolved' ? undefined : { phase, sinceMs: since, lastSeenMs: last_seen, toldMs: told };
  return { ...row, id: Number(id), state, sinceMs: since };
}

function date(atMs: number | null): Date | null {
  return atMs === null ? null : new Date(atMs);
}

function tellingParameters(telling: Telling | undefined): unknown[] {
  if (telling === undefined) return ['fired', '{}', []];
  return [telling.event, JSON.stringify(telling.notice), telling.sinks];
}
