import type { Migration } from './migration';

/**
 * Generations and the durable copy of their rows. `fillfactor = 45` leaves room for a whole new version of each row in its
 * page, so that the rewriting of every cycle stays in place: half the cost, and no bloat.
 */
export const rows: Migration = {
  name: '0001-rows',
  sql: `
    CREATE TABLE forewarm.generation (
      model         text        NOT NULL,
      id            text        NOT NULL,
      state         text        NOT NULL CHECK (state IN ('warming', 'live', 'previous', 'retiring', 'dropped')),
      identity      text        NOT NULL,
      identity_parts jsonb      NOT NULL,
      model_version text        NOT NULL,
      gate_results  jsonb,
      created_at    timestamptz NOT NULL DEFAULT now(),
      published_at  timestamptz,
      PRIMARY KEY (model, id)
    );
    CREATE TABLE forewarm.row (
      model       text COLLATE "C" NOT NULL,
      generation  text COLLATE "C" NOT NULL,
      category    text COLLATE "C" NOT NULL,
      bytes       bytea       NOT NULL,
      computed_at timestamptz NOT NULL,
      PRIMARY KEY (model, generation, category)
    ) WITH (fillfactor = 45);
    ALTER TABLE forewarm.row ALTER COLUMN bytes SET STORAGE EXTERNAL;`,
};
