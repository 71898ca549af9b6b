import type { Migration } from './migration';

/** Which inputs a row was computed from, so that a copy whose inputs have changed since is not restored. */
export const inputs: Migration = {
  name: '0004-inputs',
  sql: 'ALTER TABLE forewarm.row ADD COLUMN inputs bytea;',
};
