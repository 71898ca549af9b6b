import { isNotice, type Notice } from '../alerts/notice';
import { query, type Statements } from '../connections/postgres';

/** One message to one sink, on its way. */
export interface WaitingMessage {
  readonly id: number;
  readonly sink: string;
  readonly notice: Notice;
  /** Tries so far, with the one that begins. */
  readonly attempts: number;
}

/**
 * Messages of alerts that have not arrived yet, in PostgreSQL: whichever daemon takes one tries it, and one that dies over it
 * leaves it to the others. All methods throw FW_POSTGRES_UNAVAILABLE.
 */
export class AlertOutbox {
  private readonly pool: Statements;

  constructor(pool: Statements) {
    this.pool = pool;
  }

  /**
   * Takes messages that are due, for a while: of one alert and sink the oldest first, so that nobody hears of an end before
   * its beginning. A reminder that something newer follows is not sent any more.
   * @param leaseMs after which another may take them
   */
  async take(sinks: readonly string[], limit: number, leaseMs: number): Promise<WaitingMessage[]> {
    await query(
      this.pool,
      `UPDATE forewarm.alert_message old SET state = 'overtaken'
       WHERE state = 'waiting' AND event = 'reminder' AND EXISTS (SELECT FROM forewarm.alert_message newer
         WHERE newer.alert = old.alert AND newer.sink = old.sink AND newer.id > old.id)`,
      [],
      'looking for messages of alerts',
    );
    const { rows } = await query<{ id: string; sink: string; notice: unknown; attempts: number }>(
      this.pool,
      `UPDATE forewarm.alert_message SET attempts = attempts + 1, due_at = now() + $3 * interval '1 millisecond'
       WHERE id IN (SELECT id FROM forewarm.alert_message message
         WHERE state = 'waiting' AND due_at <= now() AND sink = ANY ($1::text[])
           AND NOT EXISTS (SELECT FROM forewarm.alert_message older WHERE older.alert = message.alert
             AND older.sink = message.sink AND older.state = 'waiting' AND older.id < message.id)
         ORDER BY id LIMIT $2 FOR UPDATE SKIP LOCKED)
       RETURNING id::text, sink, notice, attempts`,
      [sinks, limit, leaseMs],
      'taking messages of alerts',
    );
    return rows
      .flatMap(({ id, notice, ...row }) => (isNotice(notice) ? [{ ...row, notice, id: Number(id) }] : []))
      .sort((a, b) => a.id - b.id);
  }

  async sent(id: number): Promise<void> {
    await query(
      this.pool,
      `UPDATE forewarm.alert_message SET state = 'sent', sent_at = now(), last_error = NULL WHERE id = $1`,
      [id],
      'recording that a message was sent',
    );
  }

  /** @param againMs after which it may be tried again */
  async failed(id: number, error: string, againMs: number): Promise<void> {
    await query(
      this.pool,
      `UPDATE forewarm.alert_message SET last_error = $2, due_at = now() + $3 * interval '1 millisecond' WHERE id = $1`,
      [id, error, againMs],
      'recording that a message was not sent',
    );
  }

  /** Messages that wait, by sink, with the last error of the oldest. */
  async waiting(): Promise<readonly { sink: string; messages: number; since: Date; lastError: string | null }[]> {
    const { rows } = await query<{ sink: string; messages: number; since: Date; lastError: string | null }>(
      this.pool,
      `SELECT sink, count(*)::integer AS messages, min(created_at) AS since,
         (array_agg(last_error ORDER BY id))[1] AS "lastError"
       FROM forewarm.alert_message WHERE state = 'waiting' GROUP BY sink ORDER BY sink`,
      [],
      'reading what waits to be sent',
    );
    return rows;
  }
}
