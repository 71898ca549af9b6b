import type { Migration } from './migration';

/** Alerts as several daemons move them together; what is told of them, to whom, until it has arrived; and silences. */
export const alerts: Migration = {
  name: '0007-alerts',
  sql: `
    ALTER TABLE forewarm.alert
      ADD COLUMN place     text    NOT NULL DEFAULT '',
      ADD COLUMN version   integer NOT NULL DEFAULT 0,
      ADD COLUMN told_at   timestamptz,
      ADD COLUMN over_told boolean NOT NULL DEFAULT false,
      DROP CONSTRAINT alert_state_check,
      ADD CONSTRAINT alert_state_check CHECK (state IN ('pending', 'firing', 'resolved'));
    DROP INDEX forewarm.alert_firing;
    CREATE UNIQUE INDEX alert_open ON forewarm.alert (condition, model, place) WHERE state <> 'resolved';
    CREATE INDEX alert_untold ON forewarm.alert (id)
      WHERE state = 'resolved' AND told_at IS NOT NULL AND NOT over_told;
    CREATE TABLE forewarm.alert_message (
      id         bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
      alert      bigint      NOT NULL REFERENCES forewarm.alert (id) ON DELETE CASCADE,
      event      text        NOT NULL CHECK (event IN ('fired', 'reminder', 'resolved')),
      sink       text        NOT NULL,
      state      text        NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'sent', 'overtaken')),
      notice     jsonb       NOT NULL,
      created_at timestamptz NOT NULL DEFAULT now(),
      due_at     timestamptz NOT NULL DEFAULT now(),
      attempts   integer     NOT NULL DEFAULT 0,
      last_error text,
      sent_at    timestamptz
    );
    CREATE INDEX alert_message_due ON forewarm.alert_message (due_at) WHERE state = 'waiting';
    CREATE INDEX alert_message_by_alert ON forewarm.alert_message (alert, sink, id);
    CREATE TABLE forewarm.alert_silence (
      id         bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
      condition  text,
      model      text,
      reason     text        NOT NULL,
      host       text        NOT NULL,
      created_at timestamptz NOT NULL DEFAULT now(),
      until      timestamptz NOT NULL
    );
    CREATE INDEX alert_silence_by_end ON forewarm.alert_silence (until);`,
};
