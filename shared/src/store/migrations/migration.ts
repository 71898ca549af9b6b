/** One step of the database schema. It runs in a transaction of its own. */
export interface Migration {
  /** Number and subject, such as `0001-rows`; recorded when it has run. */
  readonly name: string;
  readonly sql: string;
}
