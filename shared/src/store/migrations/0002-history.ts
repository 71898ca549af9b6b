import type { Migration } from './migration';

/** The run history: one line per cycle, one per batch. Durations in milliseconds. */
export const history: Migration = {
  name: '0002-history',
  sql: `
    CREATE TABLE forewarm.cycle (
      id          text        PRIMARY KEY,
      model       text        NOT NULL,
      generation  text,
      trigger     text        NOT NULL,
      state       text        NOT NULL CHECK (state IN ('running', 'complete', 'degraded', 'failed', 'skipped')),
      host        text        NOT NULL,
      started_at  timestamptz NOT NULL,
      finished_at timestamptz,
      duration_ms double precision,
      expected    integer     NOT NULL,
      batches     integer     NOT NULL,
      computed    integer     NOT NULL DEFAULT 0,
      restored    integer     NOT NULL DEFAULT 0,
      verified    integer     NOT NULL DEFAULT 0,
      failed      integer     NOT NULL DEFAULT 0,
      durable     integer     NOT NULL DEFAULT 0,
      reason      text
    );
    CREATE INDEX cycle_by_model ON forewarm.cycle (model, started_at DESC);
    CREATE INDEX cycle_by_start ON forewarm.cycle (started_at);
    CREATE INDEX cycle_running ON forewarm.cycle (model) WHERE state = 'running';
    CREATE TABLE forewarm.batch (
      cycle      text    NOT NULL REFERENCES forewarm.cycle (id) ON DELETE CASCADE,
      number     integer NOT NULL,
      state      text    NOT NULL CHECK (state IN ('complete', 'degraded', 'failed')),
      categories integer NOT NULL,
      computed   integer NOT NULL DEFAULT 0,
      restored   integer NOT NULL DEFAULT 0,
      verified   integer NOT NULL DEFAULT 0,
      failed     integer NOT NULL DEFAULT 0,
      durable    integer NOT NULL DEFAULT 0,
      timings    jsonb,
      failures   jsonb,
      error      text,
      PRIMARY KEY (cycle, number)
    );`,
};
