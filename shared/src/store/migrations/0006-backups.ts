import type { Migration } from './migration';

/** Backups and what became of them; alerts; and generations that an operator chose over the model file's. */
export const backups: Migration = {
  name: '0006-backups',
  sql: `
    CREATE TABLE forewarm.backup (
      name        text        PRIMARY KEY,
      model       text        NOT NULL,
      generation  text        NOT NULL,
      scope       text        NOT NULL CHECK (scope IN ('live', 'previous')),
      state       text        NOT NULL CHECK (state IN ('complete', 'incomplete', 'deleted')),
      trigger     text        NOT NULL,
      host        text        NOT NULL,
      folder      text        NOT NULL,
      sequence    bigint      NOT NULL,
      started_at  timestamptz NOT NULL,
      finished_at timestamptz NOT NULL,
      verified_at timestamptz NOT NULL,
      rows        integer     NOT NULL,
      missing     integer     NOT NULL,
      bytes       bigint      NOT NULL,
      sha256      text        NOT NULL,
      deleted_at  timestamptz
    );
    CREATE INDEX backup_by_model ON forewarm.backup (model, sequence DESC);
    CREATE TABLE forewarm.alert (
      id          bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
      condition   text        NOT NULL,
      model       text        NOT NULL DEFAULT '',
      state       text        NOT NULL CHECK (state IN ('firing', 'resolved')),
      message     text        NOT NULL,
      facts       jsonb       NOT NULL DEFAULT '{}',
      host        text        NOT NULL,
      since       timestamptz NOT NULL,
      last_seen   timestamptz NOT NULL,
      times       integer     NOT NULL DEFAULT 1,
      resolved_at timestamptz
    );
    CREATE UNIQUE INDEX alert_firing ON forewarm.alert (condition, model) WHERE state = 'firing';
    CREATE INDEX alert_by_since ON forewarm.alert (since DESC);
    ALTER TABLE forewarm.generation ADD COLUMN pinned_over text;`,
};
