import type { Migration } from './migration';

/** What processes said of each cycle. Without a reference to the cycle: lines may come before it, and without it. */
export const cycleLog: Migration = {
  name: '0008-cycle-log',
  sql: `
    CREATE TABLE forewarm.cycle_log (
      cycle   text        NOT NULL,
      at      timestamptz NOT NULL,
      host    text        NOT NULL,
      pid     integer     NOT NULL,
      line    integer     NOT NULL,
      level   text        NOT NULL,
      message text        NOT NULL,
      facts   jsonb       NOT NULL DEFAULT '{}',
      PRIMARY KEY (cycle, at, host, pid, line)
    );
    CREATE INDEX cycle_log_by_time ON forewarm.cycle_log (at);`,
};
