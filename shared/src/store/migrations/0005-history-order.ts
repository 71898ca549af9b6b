import type { Migration } from './migration';

/** The order of cycles by what came after what. Clocks are set back, and those of two machines differ. */
export const historyOrder: Migration = {
  name: '0005-history-order',
  sql: `
    ALTER TABLE forewarm.cycle ADD COLUMN place bigint;
    UPDATE forewarm.cycle AS c SET place = o.place
      FROM (SELECT id, row_number() OVER (ORDER BY started_at, id) AS place FROM forewarm.cycle) AS o WHERE o.id = c.id;
    ALTER TABLE forewarm.cycle ALTER COLUMN place SET NOT NULL;
    ALTER TABLE forewarm.cycle ALTER COLUMN place ADD GENERATED ALWAYS AS IDENTITY;
    SELECT setval(pg_get_serial_sequence('forewarm.cycle', 'place'), coalesce(max(place), 0) + 1, false) FROM forewarm.cycle;
    CREATE UNIQUE INDEX cycle_by_place ON forewarm.cycle (place);
    CREATE INDEX cycle_by_model_place ON forewarm.cycle (model, place DESC);
    DROP INDEX forewarm.cycle_by_model;`,
};
