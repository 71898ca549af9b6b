import { duration, text } from './values';

/** What is asked of a database at the start of each cycle. */

/** A query, whole and as long as people write them. */
export const queryText = text(100_000, { regex: /\S/, says: 'a query that PostgreSQL understands' });
export const queryLimit = duration('100ms', '10m');
export const DEFAULT_TIME_LIMIT_MS = 10_000;
