import type { Migration } from './migration';

/** Cycles and batches that were cancelled, and which categories of a batch failed, so that they can be tried again. */
export const control: Migration = {
  name: '0003-control',
  sql: `
    ALTER TABLE forewarm.cycle DROP CONSTRAINT cycle_state_check;
    ALTER TABLE forewarm.cycle ADD CONSTRAINT cycle_state_check
      CHECK (state IN ('running', 'complete', 'degraded', 'failed', 'skipped', 'cancelled'));
    ALTER TABLE forewarm.batch DROP CONSTRAINT batch_state_check;
    ALTER TABLE forewarm.batch ADD CONSTRAINT batch_state_check
      CHECK (state IN ('complete', 'degraded', 'failed', 'cancelled'));
    ALTER TABLE forewarm.batch ADD COLUMN failed_categories jsonb;`,
};
